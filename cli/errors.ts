import { ProgramError } from '../models/program/program.js';
import { BadInputError, TestBedError } from '../targets/target.js';

/** Exit codes. Source: docs/cli.md. */
export const EXIT = { pass: 0, finding: 1, unknown: 2, usage: 64 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The verdict on several parts: a finding outweighs what is not known, and that outweighs a pass. */
export function worst(...codes: readonly ExitCode[]): ExitCode {
  return BY_WEIGHT.find((code) => codes.includes(code)) ?? EXIT.pass;
}

const BY_WEIGHT: readonly ExitCode[] = [EXIT.finding, EXIT.unknown];

/** The user asked for something that makes no sense; one sentence says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The exit code that an error means. An unforeseen one is our own, and never a verdict on a kernel. */
export function exitCodeOfError(error: unknown): ExitCode {
  const isTheirs =
    error instanceof UsageError || error instanceof ProgramError || error instanceof BadInputError;
  return isTheirs ? EXIT.usage : EXIT.unknown;
}

/** What to tell the user of an error: a sentence for those that were foreseen, everything for the others. */
export function describeError(error: unknown): string {
  if (error instanceof UsageError || error instanceof ProgramError || error instanceof TestBedError) {
    return error.message;
  }
  if (isFileError(error)) return `${error.path ?? 'a file'} cannot be used: ${fileReason(error)}`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `this is a defect of iommufd-cts, please report it:\n${stack}`;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function fileReason({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOSPC':
      return 'the disk is full';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOENT':
      return 'there is no such file or directory';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOTDIR':
      return 'a part of its path is no directory';
    default:
      return message;
  }
}
