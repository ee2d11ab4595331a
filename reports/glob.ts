/** The source of a regular expression for a pattern in which `*` stands for any run of characters. */
export function globSource(pattern: string): string {
  return pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
}
