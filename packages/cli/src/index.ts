/** What a program imports from `ttrace`: the recorder of @ttrace/sdk. The command is dist/bin.js. */
export { trace } from '@ttrace/sdk';
