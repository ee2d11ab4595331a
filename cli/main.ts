#!/usr/bin/env node
import { hideBin } from 'yargs/helpers';
import { runCommandLine } from './command_line.js';
import { makeContext } from './context.js';
import { Interruption } from './interruption.js';
import { EXIT } from './errors.js';
import { makeObjectsYoung } from './young_objects.js';

// A reader that has seen enough, as in "list | head", is no trouble.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.pass : EXIT.unknown);
});

makeObjectsYoung();
const interruption = new Interruption();
interruption.listen();
process.exitCode = await runCommandLine(hideBin(process.argv), makeContext(process.env, interruption));
