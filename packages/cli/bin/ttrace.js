#!/usr/bin/env node
// Is there before the build, so that `npm ci` in a fresh clone links the command.
import '../dist/bin.js';
