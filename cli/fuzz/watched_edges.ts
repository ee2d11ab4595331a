import { IOMMUFD_DIRECTORY, type Place } from '../../targets/kcov/places.js';
import { codePlacesOf } from '../../targets/kcov/symbols.js';
import { type WatchedCode, watch } from '../../targets/kcov/watched_code.js';
import type { Context } from '../context.js';
import { tell } from '../progress.js';
import type { FoundKernel } from '../target_options.js';

/**
 * The code whose edges are news on a kernel that tells of them: that of iommufd, or that of some functions.
 * @param functions as `file:function`; none for all
 */
export async function watchedEdges(
  { name: kernel, flavour, vmlinux }: FoundKernel,
  functions: readonly string[],
  { cache }: Context,
): Promise<WatchedCode | undefined> {
  if (flavour !== 'sanitize' || vmlinux === undefined) return undefined;
  const places = await codePlacesOf(vmlinux, cache, tell);
  const names = new Set(functions);
  const isNamed = ({ file, function: name }: Place): boolean => names.has(`${file}:${name}`);
  const isOfIommufd = ({ file }: Place): boolean => file.startsWith(IOMMUFD_DIRECTORY);
  if (names.size === 0) return watch(places, 'edges', isOfIommufd);
  if (places.places.some(isNamed)) return watch(places, 'edges', isNamed);
  process.stderr.write(
    `fuzz: ${kernel} has none of the changed functions: edges of all of iommufd are news\n`,
  );
  return watch(places, 'edges', isOfIommufd);
}
