import type { Errno } from '../../models/base/errno.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { type CaseBody, scenario, suite } from '../harness/scenario.js';

/** For each call: bytes it requires, bytes the kernel knows, and the answer to a struct of zeros. Source: iommufd.h, core.md 1.3. */
const CALLS = {
  IOMMU_DESTROY: { required: 8, known: 8, zeros: 'ENOENT' },
  IOMMU_IOAS_ALLOC: { required: 12, known: 12, zeros: 'OK' },
  IOMMU_IOAS_ALLOW_IOVAS: { required: 24, known: 24, zeros: 'ENOENT' },
  IOMMU_IOAS_COPY: { required: 40, known: 40, zeros: 'EINVAL' },
  IOMMU_IOAS_IOVA_RANGES: { required: 32, known: 32, zeros: 'ENOENT' },
  IOMMU_IOAS_MAP: { required: 40, known: 40, zeros: 'EINVAL' },
  IOMMU_IOAS_UNMAP: { required: 24, known: 24, zeros: 'ENOENT' },
  IOMMU_OPTION: { required: 24, known: 24, zeros: 'EBUSY' },
  IOMMU_VFIO_IOAS: { required: 12, known: 12, zeros: 'ENODEV' },
  IOMMU_HWPT_ALLOC: { required: 24, known: 48, zeros: 'ENOENT' },
  IOMMU_GET_HW_INFO: { required: 32, known: 40, zeros: 'ENOENT' },
  IOMMU_HWPT_INVALIDATE: { required: 32, known: 32, zeros: 'ENOENT' },
  IOMMU_HWPT_SET_DIRTY_TRACKING: { required: 16, known: 16, zeros: 'ENOENT' },
} as const;

/** Those that 6.12 does not have. */
const LATER_CALLS = {
  IOMMU_VIOMMU_ALLOC: { required: 24, known: 40, zeros: 'EOPNOTSUPP' },
  IOMMU_VDEVICE_ALLOC: { required: 24, known: 24, zeros: 'ENOENT' },
  IOMMU_IOAS_CHANGE_PROCESS: { required: 8, known: 8, zeros: 'OK' },
  IOMMU_IOAS_MAP_FILE: { required: 40, known: 40, zeros: 'EINVAL' },
} as const;

/** A call that a kernel configured for it alone gets as far as answering. */
const NOIOMMU_CALL = { required: 40, known: 40, zeros: 'EINVAL' } as const;

const NOIOMMU_NAME = 'IOMMU_IOAS_NOIOMMU_GET_PA';

/** The same answer wherever the call is known. */
const since73 = (errno: Errno | 'OK') => ({ '7.3': errno, '6.12': 'ENOTTY' }) as const;

/** The same answer from every kernel. */
const everywhere = (errno: Errno | 'OK') => ({ '7.3': errno, '6.12': errno }) as const;

/** What OPTION answers to a struct of zeros as long as the file has no object: it sets RLIMIT_MODE to 0. */
const WITHOUT_OBJECTS = 'OK';

const TEST_CALLS = {
  IOMMU_TEST_CMD: { required: 68, known: 72, zeros: 'EOPNOTSUPP' },
} as const;

type Call = keyof typeof CALLS;

/** One case for each call of a table. */
function each<T extends Readonly<Record<string, unknown>>>(
  calls: T,
  body: (t: ScenarioBuilder, name: keyof T & string, call: T[keyof T]) => unknown,
): Record<string, CaseBody<unknown>> {
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name.toLowerCase(),
      (t: ScenarioBuilder) => body(t, name, call as T[keyof T]),
    ]),
  );
}

function answers(
  t: ScenarioBuilder,
  name: string,
  zeros: (typeof CALLS)[Call]['zeros'] | 'EOPNOTSUPP',
  tail?: number,
) {
  const step = t.ioctl(name, {}, tail === undefined ? {} : { tail: { bytes: tail, value: 0 } });
  return zeros === 'OK' ? step.ok() : step.fails(zeros);
}

export const envelopeSize = suite(
  'envelope/size',
  'The `size` member: too small, exact, larger with zeros, larger with anything else. Structs of calls not described yet are not covered.',
  [
    scenario('short,below_required', {
      doc: 'A size one byte below what the call requires is EINVAL, before any member is looked at.',
      covers: ['envelope/EINVAL.size'],
      gaps: [1],
      kselftest: ['iommufd.cmd_ex_fail'],
      seeds: ['S1-06', 'S2-47'],
      setup: (t) => t.ioas(),
      cases: each(CALLS, (t, name, { required }) => t.ioctl(name, { size: required - 1 }).fails('EINVAL')),
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { size: 12 }),
    }),
    scenario('short,tiny', {
      doc: 'Sizes 0, 1 and 4 are EINVAL.',
      covers: ['envelope/EINVAL.size'],
      seeds: ['S1-06'],
      setup: (t) => t.ioas(),
      cases: {
        zero: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { size: 0 }).fails('EINVAL'),
        one: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { size: 1 }).fails('EINVAL'),
        four: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { size: 4 }).fails('EINVAL'),
        one_in_four_bytes_of_memory: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', { size: 1 }, { at: { edge: 4 } }).fails('EINVAL'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('exact,required', {
      doc: 'The size that the header gives is accepted, and the struct of zeros gets its own answer.',
      covers: ['envelope/EINVAL.size'],
      gaps: [1],
      kselftest: ['iommufd.cmd_ex_fail'],
      seeds: ['S2-47'],
      setup: (t) => t.ioas(),
      cases: each(CALLS, (t, name, { known, zeros }) => {
        const step = t.ioctl(name, { size: known });
        return zeros === 'OK' ? step.ok() : step.fails(zeros);
      }),
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('long,zero_tail', {
      doc: 'A larger struct whose unknown bytes are 0 is the known struct: same answer, and nothing is written beyond it.',
      covers: ['envelope/E2BIG.tail'],
      gaps: [1],
      kselftest: ['iommufd.cmd_ex_fail'],
      seeds: ['S1-07'],
      setup: (t) => t.ioas(),
      cases: {
        ...each(CALLS, (t, name, { zeros }) => answers(t, name, zeros, 8)),
        one_byte: (t) => answers(t, 'IOMMU_IOAS_ALLOC', 'OK', 1),
        a_page: (t) => answers(t, 'IOMMU_IOAS_ALLOC', 'OK', 4096),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('long,garbage_tail', {
      doc: 'A byte beyond the struct that is not 0 is E2BIG, before any member is looked at.',
      covers: ['envelope/E2BIG.tail'],
      gaps: [1],
      kselftest: ['iommufd.cmd_ex_fail'],
      seeds: ['S1-07'],
      setup: (t) => t.ioas(),
      cases: {
        ...each(CALLS, (t, name) => t.ioctl(name, {}, { tail: { bytes: 8, value: 0xff } }).fails('E2BIG')),
        one_byte: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 1, value: 1 } }).fails('E2BIG'),
        size_of_four_gigabytes: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { size: 0xffff_ffff }).fails('E2BIG'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 8, value: 0 } }),
    }),
    scenario('later_calls,sizes', {
      doc: 'The sizes of calls that came after 6.12: one byte less, exact, with a tail of zeros, with another tail.',
      covers: ['envelope/EINVAL.size', 'envelope/E2BIG.tail', 'envelope/ENOTTY.number'],
      gaps: [1],
      setup: (t) => t.ioas(),
      cases: {
        ...each(LATER_CALLS, (t, name, { required, known, zeros }) => {
          t.ioctl(name, { size: required - 1 }).fails(since73('EINVAL'));
          t.ioctl(name, { size: known }).fails(since73(zeros));
          t.ioctl(name, {}, { tail: { bytes: 8, value: 0 } }).fails(since73(zeros));
          t.ioctl(name, {}, { tail: { bytes: 8, value: 0xff } }).fails(since73('E2BIG'));
        }),
        noiommu_get_pa: {
          needs: ['noiommu'],
          body: (t) => {
            const { required, known, zeros } = NOIOMMU_CALL;
            t.ioctl(NOIOMMU_NAME, { size: required - 1 }).fails('EINVAL');
            t.ioctl(NOIOMMU_NAME, { size: known }).fails(zeros);
            t.ioctl(NOIOMMU_NAME, {}, { tail: { bytes: 8, value: 0 } }).fails(zeros);
            t.ioctl(NOIOMMU_NAME, {}, { tail: { bytes: 8, value: 0xff } }).fails('E2BIG');
          },
        },
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('each_call,one_byte', {
      doc: 'One byte less than a call requires is EINVAL, one byte more that is not 0 E2BIG; one that is 0 changes nothing. No object is there.',
      covers: ['envelope/EINVAL.size', 'envelope/E2BIG.tail'],
      source: 'kselftest.md 1',
      kselftest: ['iommufd.cmd_length'],
      without: { shifted_ids: 'OPTION answers as long as there is no object' },
      setup: () => undefined,
      cases: {
        ...each(CALLS, (t, name, { required, known, zeros }) => {
          const answer = name === 'IOMMU_OPTION' ? WITHOUT_OBJECTS : zeros;
          const one = (value: number) => ({ tail: { bytes: 1, value } });
          t.ioctl(name, { size: required - 1 }).fails('EINVAL');
          t.ioctl(name, {}, one(0xff)).fails('E2BIG');
          t.ioctl(name, { size: known }).fails(everywhere(answer));
          t.ioctl(name, {}, one(0)).fails(everywhere(answer));
        }),
        ...each(LATER_CALLS, (t, name, { required, known, zeros }) => {
          const one = (value: number) => ({ tail: { bytes: 1, value } });
          t.ioctl(name, { size: required - 1 }).fails(since73('EINVAL'));
          t.ioctl(name, {}, one(0xff)).fails(since73('E2BIG'));
          t.ioctl(name, { size: known }).fails(since73(zeros));
          t.ioctl(name, {}, one(0)).fails(since73(zeros));
        }),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { size: 12 }),
    }),
    scenario('short,first_version', {
      doc: 'Of a struct as long as its first version the rest counts as 0, and is not written back.',
      covers: ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_GET_HW_INFO/OK', 'IOMMU_VIOMMU_ALLOC/OK'],
      gaps: [4],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, device: t.mockDomain(ioas).out('out_idev_id') };
      },
      cases: {
        hwpt_alloc: (t, { ioas, device }) => {
          const unread = { data_type: 0xdead, data_len: 77, fault_id: 5 };
          const hwpt = t.hwptAlloc(device, ioas, { size: 24, ...unread }).ok({ size: 24, ...unread });
          t.destroy(hwpt.out('out_hwpt_id'));
        },
        get_hw_info: (t, { device }) =>
          t
            .ioctl('IOMMU_GET_HW_INFO', { size: 32, dev_id: device, out_capabilities: 77n })
            .ok({ data_len: 8, out_data_type: 0xfeed_beef, out_capabilities: 77n }),
        viommu_alloc: {
          needs: ['viommu'],
          body: (t, { ioas, device }) => {
            const parent = t.hwptAlloc(device, ioas, { flags: 1 }).out('out_hwpt_id');
            const viommu = t
              .viommu(device, parent, { size: 24, data_len: 77 })
              .ok({ size: 24, data_len: 77 });
            t.destroy(viommu.out('out_viommu_id'));
          },
        },
      },
      control: (t, { ioas, device }) => t.hwptAlloc(device, ioas, { size: 24 }),
    }),
    scenario('test_command,sizes', {
      doc: 'The test command requires 68 bytes and knows 72; in between, missing bytes count as 0.',
      covers: ['envelope/EINVAL.size', 'envelope/E2BIG.tail', 'IOMMU_TEST_CMD/EOPNOTSUPP.op'],
      gaps: [1, 4],
      setup: (t) => t.ioas(),
      cases: {
        below: (t) =>
          t.ioctl('IOMMU_TEST_CMD', { size: TEST_CALLS.IOMMU_TEST_CMD.required - 1 }).fails('EINVAL'),
        required: (t) => t.ioctl('IOMMU_TEST_CMD', { size: 68 }).fails('EOPNOTSUPP'),
        between: (t) => t.ioctl('IOMMU_TEST_CMD', { size: 70 }).fails('EOPNOTSUPP'),
        known: (t) => t.ioctl('IOMMU_TEST_CMD', { size: 72 }).fails('EOPNOTSUPP'),
        zero_tail: (t) => answers(t, 'IOMMU_TEST_CMD', 'EOPNOTSUPP', 8),
        garbage_tail: (t) => t.ioctl('IOMMU_TEST_CMD', {}, { tail: { bytes: 8, value: 1 } }).fails('E2BIG'),
        short_struct_answers: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_ADD_RESERVED', { size: 68, id: ioas, start: 0n, length: 1n }).ok(),
      },
      control: (t, ioas) => t.reserve(ioas, 0n, 1n),
    }),
    scenario('test_command,unknown_operation', {
      doc: 'An operation that the kernel does not have is EOPNOTSUPP, and nothing else of the struct is looked at.',
      covers: ['IOMMU_TEST_CMD/EOPNOTSUPP.op'],
      setup: (t) => t.ioas(),
      cases: {
        zero: (t) => t.ioctl('IOMMU_TEST_CMD', { op: 0 }).fails('EOPNOTSUPP'),
        beyond_the_last: (t) => t.ioctl('IOMMU_TEST_CMD', { op: 24 }).fails('EOPNOTSUPP'),
        huge: (t) => t.ioctl('IOMMU_TEST_CMD', { op: 0xffff_ffff, __reserved: 1 }).fails('EOPNOTSUPP'),
      },
      control: (t, ioas) => t.reserve(ioas, 0n, 1n),
    }),
    scenario('test_command,unchecked_members', {
      doc: '`__reserved` and `last` of the test command are never looked at.',
      covers: ['IOMMU_TEST_CMD/EOPNOTSUPP.op'],
      gaps: [5],
      setup: (t) => t.ioas(),
      cases: {
        reserved: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_ADD_RESERVED', { id: ioas, start: 0n, length: 1n, __reserved: 1 }).ok(),
        last: (t, ioas) =>
          t.ioctl('IOMMU_TEST_OP_ADD_RESERVED', { id: ioas, start: 0n, length: 1n, last: 1 }).ok(),
      },
      control: (t, ioas) => t.reserve(ioas, 0n, 1n),
    }),
  ],
);
