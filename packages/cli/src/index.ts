/** What a program imports from `ttrace`: the recorder of @ttrace/sdk. The command is bin/ttrace.js. */
export { trace } from '@ttrace/sdk';
