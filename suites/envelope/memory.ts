import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

/** An IOAS with a page that is mapped. */
function mappedPage(t: ScenarioBuilder): Reference {
  const ioas = t.ioas();
  t.map(ioas, { iova: 0x8000n });
  return ioas;
}

export const envelopeMemory = suite(
  'envelope/memory',
  'Where the struct lies: unmapped, half mapped, not writable.',
  [
    scenario('pointer,unreadable', {
      doc: 'A struct whose size member cannot be read is EFAULT.',
      covers: ['envelope/EFAULT.size'],
      kselftest: ['iommufd.cmd_fail'],
      seeds: ['S1-10'],
      setup: (t) => t.ioas(),
      cases: {
        null_pointer: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { at: 'null' }).fails('EFAULT'),
        unmapped: (t) => t.ioctl('IOMMU_DESTROY', {}, { at: 'hole' }).fails('EFAULT'),
        three_bytes_of_size: (t) => t.ioctl('IOMMU_IOAS_MAP', {}, { at: { edge: 3 } }).fails('EFAULT'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('pointer,struct_ends_in_hole', {
      doc: 'A struct that begins in memory and ends outside of it is EFAULT once its size has been found good.',
      covers: ['envelope/EFAULT.struct', 'envelope/EINVAL.size'],
      setup: (t) => t.ioas(),
      cases: {
        only_size: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { at: { edge: 4 } }).fails('EFAULT'),
        all_but_one_byte: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { at: { edge: 11 } }).fails('EFAULT'),
        destroy: (t) => t.ioctl('IOMMU_DESTROY', {}, { at: { edge: 7 } }).fails('EFAULT'),
        map: (t) => t.ioctl('IOMMU_IOAS_MAP', {}, { at: { edge: 39 } }).fails('EFAULT'),
        short_size_first: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', { size: 11 }, { at: { edge: 4 } }).fails('EINVAL'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { at: { edge: 12 } }),
    }),
    scenario('pointer,tail_ends_in_hole', {
      doc: 'An unknown tail that leaves memory is EFAULT, unless a byte before its end is not 0: the first of both decides.',
      covers: ['envelope/EFAULT.tail', 'envelope/E2BIG.tail'],
      setup: (t) => t.ioas(),
      cases: {
        zeros_then_hole: (t) =>
          t
            .ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 64, value: 0 }, at: { edge: 40 } })
            .fails('EFAULT'),
        nothing_of_the_tail: (t) =>
          t
            .ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 64, value: 0xff }, at: { edge: 12 } })
            .fails('EFAULT'),
        garbage_then_hole: (t) =>
          t
            .ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 64, value: 0xff }, at: { edge: 40 } })
            .fails('E2BIG'),
        garbage_tail_of_unreadable_struct: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 8, value: 0 }, at: { edge: 8 } }).fails('EFAULT'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 64, value: 0 }, at: { edge: 76 } }),
    }),
    scenario('response,alloc_undone', {
      doc: 'An IOAS whose id cannot be written back is destroyed again, and its id is free.',
      covers: ['IOMMU_IOAS_ALLOC/EFAULT.respond', 'IOMMU_IOAS_ALLOC/EOPNOTSUPP.flags'],
      source: 'core.md 3.0',
      gaps: [3],
      without: { shifted_ids: 'the id is what is expected' },
      seeds: ['S1-19', 'S2-48'],
      setup: () => undefined,
      cases: {
        sealed: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { at: 'sealed' }).fails('EFAULT');
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        },
        bad_flags_first: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', { flags: 1 }, { at: 'sealed' }).fails('EOPNOTSUPP'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 }),
    }),
    scenario('response,map_stays', {
      doc: 'A mapping whose IOVA cannot be written back stays, although the call answers EFAULT.',
      covers: ['IOMMU_IOAS_MAP/EFAULT.respond'],
      source: 'core.md 3.0',
      seeds: ['S2-41'],
      setup: (t) => t.ioas(),
      cases: {
        sealed: (t, ioas) => {
          t.ioctl(
            'IOMMU_IOAS_MAP',
            { flags: 7, ioas_id: ioas, length: P, iova: 0x8000n },
            { at: 'sealed' },
          ).fails('EFAULT');
          t.map(ioas, { iova: 0x8000n }).fails('EEXIST');
          t.unmap(ioas, 0x8000n, P).ok({ length: P });
        },
      },
      control: (t, ioas) => t.map(ioas, { iova: 0x8000n }),
    }),
    scenario('response,copy_stays', {
      doc: 'A copy whose IOVA cannot be written back stays.',
      covers: ['IOMMU_IOAS_COPY/EFAULT.respond'],
      source: 'core.md 3.0',
      seeds: ['S2-41'],
      setup: mappedPage,
      cases: {
        sealed: (t, ioas) => {
          const args = {
            flags: 3,
            dst_ioas_id: ioas,
            src_ioas_id: ioas,
            length: P,
            dst_iova: 0x10000n,
            src_iova: 0x8000n,
          };
          t.ioctl('IOMMU_IOAS_COPY', args, { at: 'sealed' }).fails('EFAULT');
          t.unmap(ioas, 0x10000n, P).ok({ length: P });
        },
      },
      control: (t, ioas) => t.copy({ src: ioas, dst: ioas, from: 0x8000n, iova: 0x10000n }),
    }),
    scenario('response,unmap_done', {
      doc: 'An unmap whose count cannot be written back has been done.',
      covers: ['IOMMU_IOAS_UNMAP/EFAULT.respond'],
      source: 'core.md 3.0',
      seeds: ['S2-41'],
      setup: mappedPage,
      cases: {
        sealed: (t, ioas) => {
          t.ioctl('IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: 0x8000n, length: P }, { at: 'sealed' }).fails(
            'EFAULT',
          );
          t.unmap(ioas, 0x8000n, P).fails('ENOENT');
        },
        nothing_there: (t, ioas) => {
          const args = { ioas_id: ioas, iova: 0x20000n, length: P };
          t.ioctl('IOMMU_IOAS_UNMAP', args, { at: 'sealed' }).fails('ENOENT');
        },
      },
      control: (t, ioas) => t.unmap(ioas, 0x8000n, P).ok({ length: P }),
    }),
    scenario('response,option_set', {
      doc: 'An option whose value cannot be written back has been set. Only val64 is written: a struct of which the rest is not writable is fine.',
      covers: ['IOMMU_OPTION/EFAULT.respond'],
      source: 'core.md 3.0, 3.8',
      setup: (t) => t.ioas(),
      cases: {
        sealed: (t, ioas) => {
          t.ioctl(
            'IOMMU_OPTION',
            { option_id: 1, op: 0, object_id: ioas, val64: 0n },
            { at: 'sealed' },
          ).fails('EFAULT');
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 0n });
        },
        sealed_get: (t, ioas) =>
          t.ioctl('IOMMU_OPTION', { option_id: 1, op: 1, object_id: ioas }, { at: 'sealed' }).fails('EFAULT'),
        alignment_first: (t, ioas) => {
          t.map(ioas, { iova: 1n, length: 1n });
          const args = { option_id: 1, op: 0, object_id: ioas, val64: 0n };
          t.ioctl('IOMMU_OPTION', args, { at: 'sealed' }).fails('EADDRINUSE');
        },
        refused_first: (t, ioas) =>
          t
            .ioctl('IOMMU_OPTION', { option_id: 1, op: 0, object_id: ioas, val64: 2n }, { at: 'sealed' })
            .fails('EINVAL'),
      },
      control: (t, ioas) => t.setOption('HUGE_PAGES', 0n, ioas).ok({ val64: 0n }),
    }),
    scenario('response,no_write_back', {
      doc: 'DESTROY, ALLOW_IOVAS and the test operations without output never write the struct, so it may be read-only.',
      covers: ['IOMMU_DESTROY/OK', 'IOMMU_IOAS_ALLOW_IOVAS/OK', 'IOMMU_TEST_OP_ADD_RESERVED/OK'],
      needs: ['iommufd_test'],
      setup: (t) => t.ioas(),
      cases: {
        destroy: (t, ioas) => t.ioctl('IOMMU_DESTROY', { id: ioas }, { at: 'sealed' }).ok(),
        allow: (t, ioas) => t.ioctl('IOMMU_IOAS_ALLOW_IOVAS', { ioas_id: ioas }, { at: 'sealed' }).ok(),
        reserve: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_ADD_RESERVED', { id: ioas, start: P, length: P }, { at: 'sealed' }).ok(),
      },
      control: (t, ioas) => t.destroy(ioas),
    }),
    scenario('response,short_struct', {
      doc: 'A test command of 68 bytes gets 68 bytes back: the four bytes behind it are not written.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      gaps: [4],
      setup: (t) => t.ioas(),
      cases: {
        mock_domain: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { size: 68, id: ioas }, { at: { edge: 68 } }).ok(),
      },
      control: (t, ioas) => t.mockDomain(ioas),
    }),
  ],
);
