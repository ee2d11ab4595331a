/** MOCK_NESTED_DOMAIN_IOTLB_NUM. Source: iommufd_test.h. */
const ENTRIES = 4;

/** The IOTLB of a nested domain of the mock IOMMU: entries that user space fills at allocation and invalidates to 0. */
export class MockIotlb {
  readonly #entries: number[];

  constructor(value: number) {
    this.#entries = new Array<number>(ENTRIES).fill(value);
  }

  /** All entries, in order. */
  get entries(): readonly number[] {
    return this.#entries;
  }

  has(index: number): boolean {
    return index < ENTRIES;
  }

  /** Undefined beyond the last entry. */
  at(index: number): number | undefined {
    return this.#entries[index];
  }

  invalidate(index: number): void {
    if (this.has(index)) this.#entries[index] = 0;
  }

  invalidateAll(): void {
    this.#entries.fill(0);
  }
}
