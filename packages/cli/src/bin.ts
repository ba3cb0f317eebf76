#!/usr/bin/env node
/** The command `ttrace`: hands the arguments to `main` and its result to the shell. */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
