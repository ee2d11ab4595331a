/**
 * What invariants see of a design's state. A design shows the facets that it has, always (an empty list if there is nothing);
 * an invariant whose facet it does not have does not apply to it. Names are for people: `vma 1`, `ioasid 0`, `page 3`.
 */
export interface View {
  /** Physical pages, or whatever holds their place. */
  readonly pages?: readonly { readonly page: string; readonly isFreed: boolean }[];
  /** Who reaches which page: a VMA, a domain, a device. */
  readonly mappings?: readonly { readonly by: string; readonly page: string }[];
  /** References on pages: how many there are, and how many there should be. */
  readonly pins?: readonly Balance[];
  /** What accounts are charged with, and what they should be. */
  readonly accounts?: readonly (Balance & { readonly limit?: number })[];
  /** References on objects, files, modules. */
  readonly references?: readonly Balance[];
  /** Parts of a number space that stand for regions. */
  readonly regions?: readonly Region[];
  /** Mappings of regions by their place in the number space. */
  readonly windows?: readonly Window[];
  readonly objects?: readonly DesignObject[];
  /** Spaces of addresses, with what is recorded in them and what each of their page tables translates. */
  readonly spaces?: readonly Space[];
  readonly grants?: readonly Grant[];
  readonly revocations?: readonly {
    readonly of: string;
    readonly isRevoked: boolean;
    /** Page tables in which it is reachable. */
    readonly mappedBy: readonly string[];
  }[];
  /** Contexts that are closed, and what is left of them. */
  readonly released?: readonly { readonly of: string; readonly left: readonly string[] }[];
}

/** Two counts that should be the same. */
interface Balance {
  readonly of: string;
  readonly actual: number;
  readonly expected: number;
}

interface Region {
  readonly of: string;
  readonly start: bigint;
  readonly length: bigint;
}

interface Window {
  readonly by: string;
  /** The region as `regions` names it. */
  readonly region: string;
  /** Where in the number space the window begins, as the caller wrote it. */
  readonly offset: bigint;
  readonly length: bigint;
  /** The byte of the region that the first byte of the window shows. */
  readonly shows: bigint;
  /** Whether only whole regions may be mapped. */
  readonly mustBeWhole: boolean;
}

/** An object with a handle. */
export interface DesignObject {
  /** `ioasid 0`: kind and handle. */
  readonly name: string;
  readonly handle: number | bigint;
  /** The object that it goes with. */
  readonly owner?: string;
  /** Whether it can be found by its handle. */
  readonly isReachable: boolean;
  /** Whether its creating call has set all of it. */
  readonly isComplete: boolean;
  /** Users that stay until they are told to go. */
  readonly lastingUsers?: number;
  /** What of it others must not change, in words. */
  readonly state?: string;
}

export interface Space {
  readonly of: string;
  /** IOVA → page. */
  readonly recorded: Readonly<Record<string, string>>;
  readonly domains: readonly {
    readonly name: string;
    readonly translations: Readonly<Record<string, string>>;
  }[];
}

interface Grant {
  readonly by: string;
  /** Of r, w and x, what is permitted. */
  readonly granted: string;
  readonly used: string;
}

export type Facet = keyof View;

/** A view as one text: equal views have equal texts. */
export function viewText(view: View): string {
  return JSON.stringify(view, (_, value: unknown) =>
    typeof value === 'bigint' ? `${String(value)}n` : value,
  );
}
