import type { Row } from './row.js';
import { A, COPY, MAP, RFC08, U64_MAX, UNMAP, pages } from './seed2_steps.js';

const SECOND = { ...MAP, args: { iova: A + pages(8) } } as const;

/** Rows about COPY. */
export const seed2Copy: readonly Row[] = [
  {
    id: 'S2-34',
    title: 'COPY exact, part, two neighbours',
    source: `${RFC08}; v3 09/15, 26 Oct 2022`,
    defects: [],
    proposal: {
      steps: [
        MAP,
        SECOND,
        COPY,
        { ...COPY, args: { iova: A + pages(16), length: pages(4) }, gives: 'ENOENT' },
        { ...COPY, args: { iova: A + pages(16), length: pages(16) }, gives: 'ENOENT' },
      ],
    },
    merged: {
      steps: [
        MAP,
        SECOND,
        COPY,
        { ...COPY, args: { iova: A + pages(16), length: pages(4) } },
        { ...COPY, args: { iova: A + pages(32), length: pages(16) } },
        { ...UNMAP, args: { ioas: 'second', iova: A + pages(40) } },
      ],
    },
  },
  {
    id: 'S2-35',
    title: 'COPY with holes',
    source: 'Re: [PATCH v3 9/15], 29 Oct 2022',
    defects: ['D2.23'],
    proposal: { steps: [SECOND, { ...COPY, args: { length: pages(16) }, gives: 'ENOENT' }], breaks: [] },
    merged: {
      steps: [
        SECOND,
        { ...COPY, args: { length: pages(16) }, gives: 'ENOENT' },
        { ...COPY, args: { src_iova: A + pages(12) }, gives: 'ENOENT' },
        { ...COPY, args: { src_iova: A + pages(32) }, gives: 'ENOENT' },
        { ...MAP, args: { iova: A, length: pages(4) } },
        { ...COPY, args: { length: pages(16) }, gives: 'ENOENT' },
      ],
    },
    others: [{ on: 'iopt-pages-d2.23', steps: [SECOND, { ...COPY, args: { length: pages(16) } }] }],
  },
  {
    id: 'S2-36',
    title: 'COPY inside one IOAS',
    source: 'Re: [PATCH v5 11/19], 27..29 Nov 2022',
    defects: [],
    proposal: {
      steps: [
        MAP,
        { ...COPY, args: { dst_ioas: 'first', iova: A + pages(8) } },
        { ...COPY, args: { dst_ioas: 'first' }, gives: 'EADDRINUSE' },
      ],
    },
    merged: {
      steps: [
        MAP,
        { ...COPY, args: { dst_ioas: 'first', iova: A + pages(8) } },
        { ...COPY, args: { dst_ioas: 'first' }, gives: 'EEXIST' },
      ],
    },
  },
  {
    id: 'S2-37',
    title: 'COPY rights',
    source: 'v3 10/15, 26 Oct 2022',
    defects: [],
    proposal: {
      steps: [
        { ...MAP, args: { flags: 'FIXED|READABLE' } },
        { ...COPY, args: { flags: 'FIXED|READABLE' } },
        { ...COPY, args: { iova: A + pages(8) }, gives: 'EPERM' },
      ],
    },
    merged: {
      steps: [
        { ...MAP, args: { flags: 'FIXED|READABLE' } },
        { ...COPY, args: { flags: 'FIXED|READABLE' } },
        { ...COPY, args: { iova: A + pages(8) }, gives: 'EPERM' },
        { ...COPY, args: { iova: A + pages(8), flags: 'FIXED' }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S2-38',
    title: 'COPY numbers and ids',
    source: 'Re: [PATCH v3 10/15], 4 Nov 2022',
    defects: ['D2.17'],
    proposal: {
      steps: [
        { ...COPY, args: { src_iova: U64_MAX - pages(1), length: pages(2) }, gives: 'ENOENT' },
        { ...COPY, args: { ioas: 'none' }, gives: 'ENOENT' },
        { ...COPY, args: { flags: 8 }, gives: 'EOPNOTSUPP' },
      ],
    },
    merged: {
      steps: [
        MAP,
        { ...COPY, args: { length: 0n }, gives: 'EINVAL' },
        { ...COPY, args: { src_iova: U64_MAX - pages(1), length: pages(2) }, gives: 'EOVERFLOW' },
        { ...COPY, args: { ioas: 'none' }, gives: 'ENOENT' },
        { ...COPY, args: { dst_ioas: 'none' }, gives: 'ENOENT' },
        { ...COPY, args: { flags: 8 }, gives: 'EOPNOTSUPP' },
      ],
    },
  },
];
