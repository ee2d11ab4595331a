import { BUFFER } from '../../models/program/arena.js';
import type { Operand, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { P } from '../harness/constants.js';
import { suite } from '../harness/scenario.js';
import { type UsedIoas, destroyDevices, inEachSetUp } from './set_ups.js';

/** IOMMU_HW_INFO_FLAG_INPUT_TYPE */
const INPUT_TYPE = 1;
/** IOMMU_HW_INFO_TYPE_SELFTEST */
const INFO_TYPE = 0xfeed_beef;
/** flags 0, then IOMMU_HW_INFO_SELFTEST_REGVAL. */
const INFO = Uint8Array.of(0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde);

const AREAS = 10;

/** Pages in areas of one page each. */
function mapPages(t: ScenarioBuilder, { ioas, base }: UsedIoas): void {
  for (let page = 0n; page < AREAS; page++) {
    t.map(ioas, { iova: base + page * P, va: BUFFER.start + page * P });
  }
}

/** DESTROY of the IOAS is refused as long as it has a page table. */
function destroyIoas(t: ScenarioBuilder, { ioas, devices }: UsedIoas): void {
  const step = t.destroy(ioas);
  if (devices.length > 0) step.fails('EBUSY');
}

/** Asks a device for information into a buffer of so many bytes. */
function ask(
  t: ScenarioBuilder,
  device: Scalar,
  bytes: number,
  args: Readonly<Record<string, Operand>> = {},
): ExpectedStep {
  return t.ioctl('IOMMU_GET_HW_INFO', {
    dev_id: device,
    data_len: bytes,
    data_uptr: { room: bytes },
    ...args,
  });
}

export const ioasUsedLife = suite(
  'ioas/used_life',
  'An IOAS with no, one and two devices, and with little temporary memory: what holds it, what goes with it, what its devices and options answer.',
  [
    ...inEachSetUp('end', {
      doc: 'Page tables hold an IOAS, areas do not; with the file everything goes, and no page stays pinned.',
      covers: ['IOMMU_DESTROY/OK', 'close/OK'],
      source: 'core.md 2.6, kselftest.md 3',
      kselftest: ['ioas_auto_destroy', 'ioas_destroy', 'ioas_area_destroy', 'ioas_area_auto_destroy'],
      cases: {
        closed: (t) => {
          t.open('g');
          t.close();
          t.counters(0);
        },
        destroyed: destroyIoas,
        destroyed_after_its_devices: (t, used) => {
          destroyDevices(t, used);
          t.destroy(used.ioas);
          t.destroy(used.ioas).fails('ENOENT');
        },
        destroyed_with_an_area: (t, used) => {
          t.map(used.ioas, { iova: used.base });
          destroyIoas(t, used);
          destroyDevices(t, used);
          t.counters(0);
        },
        closed_with_areas: (t, used) => {
          mapPages(t, used);
          t.counters(used.devices.length > 0 ? AREAS : 0);
          t.open('g');
          t.close();
          t.counters(0);
          const refs = { length: 0x10000n, uptr: BUFFER.start, refs: 0 };
          t.ioctl('IOMMU_TEST_OP_MD_CHECK_REFS', refs, { file: 'g' });
        },
        areas_outlive_devices: (t, used) => {
          mapPages(t, used);
          destroyDevices(t, used);
          t.counters(0);
          t.checkRefs(BUFFER.start, 0, 0x10000n);
          t.unmap(used.ioas, used.base, 10n * P).ok({ length: 10n * P });
        },
      },
      control: (t, used) => {
        destroyDevices(t, used);
        t.destroy(used.ioas);
      },
    }),
    ...inEachSetUp('attach', {
      doc: 'Another device can join the automatic page table by its id; where there is none, 0 is no id.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/ENOENT.target'],
      source: 'kselftest.md 3',
      kselftest: ['hwpt_attach'],
      cases: {
        page_table: (t, { devices }) => {
          for (const device of devices) {
            const joined = t.mockDomain(device.out('out_hwpt_id'));
            t.destroy(device.out('out_hwpt_id')).fails('EBUSY');
            t.destroy(joined.out('out_stdev_id'));
          }
        },
        nothing: (t) => t.mockDomain(0).fails('ENOENT'),
      },
      control: (t, { ioas }) => t.mockDomain(ioas),
    }),
    ...inEachSetUp('device', {
      doc: 'Each device tells what it is and has a cache of four full entries; what is no device is ENOENT.',
      covers: ['IOMMU_GET_HW_INFO/OK', 'IOMMU_GET_HW_INFO/ENOENT.device'],
      source: 'mock.md 4.1',
      kselftest: ['get_hw_info'],
      cases: {
        information: (t, { devices }) => {
          for (const device of devices.map((one) => one.out('out_idev_id'))) {
            ask(t, device, 0).ok({ data_len: 8, out_data_type: INFO_TYPE, out_max_pasid_log2: 0 });
            ask(t, device, 4).ok({ data_len: 8, data_uptr: INFO.subarray(0, 4) });
            ask(t, device, 8).ok({ data_len: 8, data_uptr: INFO });
            ask(t, device, 12).ok({ data_len: 8, data_uptr: Uint8Array.of(...INFO, 0, 0, 0, 0) });
          }
        },
        type: (t, { devices }) => {
          for (const device of devices.map((one) => one.out('out_idev_id'))) {
            ask(t, device, 8, { flags: INPUT_TYPE, out_data_type: INFO_TYPE + 1 }).fails('EOPNOTSUPP');
            const exact = ask(t, device, 8, { flags: INPUT_TYPE, out_data_type: INFO_TYPE });
            exact.fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' });
          }
        },
        pasids: (t, { pasidDevice }) => {
          if (pasidDevice === undefined) return;
          ask(t, pasidDevice.out('out_idev_id'), 8).fails(
            { '7.3': 'OK', '6.12': 'ENOENT' },
            { out_max_pasid_log2: { byProfile: { '7.3': 20, '6.12': 0 } } },
          );
        },
        cache: {
          needs: ['viommu'],
          body: (t, { devices }) => {
            for (const device of devices) {
              for (let entry = 0; entry < 4; entry++) {
                t.checkCache(device.out('out_idev_id'), entry, 0xbadd_ad);
              }
            }
          },
        },
        none: (t, { ioas }) => {
          ask(t, 0, 8).fails('ENOENT');
          ask(t, ioas, 0).fails('ENOENT');
        },
      },
      control: (t, { ioas }) => ask(t, t.mockDomain(ioas).out('out_idev_id'), 8),
    }),
    ...inEachSetUp('large_pages', {
      doc: 'Large pages are switched off and on; without a page table only what is aligned to pages allows it, with one only what is not mapped.',
      covers: ['IOMMU_OPTION/OK', 'IOMMU_OPTION/EINVAL.value', 'IOMMU_IOAS_MAP/EINVAL.length_alignment'],
      source: 'core.md 3.9',
      gaps: [15],
      kselftest: ['ioas_option_huge_pages', 'ioas_align_change'],
      cases: {
        value: (t, { ioas }) => {
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 0n });
          t.setOption('HUGE_PAGES', 2n, ioas).fails('EINVAL');
          t.setOption('HUGE_PAGES', 1n, ioas);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
        },
        off_before_areas: (t, { ioas, base }) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 4096 });
          t.map(ioas, { iova: base });
          t.map(ioas, { va: BUFFER.start + P / 2n }).fails('EINVAL');
          t.map(ioas, { iova: base + 8n * P + P / 2n }).fails('EINVAL');
          t.setOption('HUGE_PAGES', 0n, ioas);
        },
        on_with_areas: (t, { ioas, base }) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.map(ioas, { iova: base });
          t.setOption('HUGE_PAGES', 1n, ioas);
          t.map(ioas, { iova: base + 8n * P + P / 2n, va: BUFFER.start + P / 2n });
        },
        off_with_an_area: (t, { ioas, base, devices }) => {
          t.map(ioas, { iova: base });
          const off = t.setOption('HUGE_PAGES', 0n, ioas);
          if (devices.length > 0) off.fails('EINVAL');
        },
        off_with_a_misaligned_area: (t, { ioas, base, devices }) => {
          t.map(ioas, { iova: base + P / 2n, va: BUFFER.start + P / 2n });
          t.setOption('HUGE_PAGES', 0n, ioas).fails(devices.length > 0 ? 'EINVAL' : 'EADDRINUSE');
          t.unmap(ioas, base + P / 2n, P);
          t.setOption('HUGE_PAGES', 0n, ioas);
        },
      },
      control: (t, { ioas }) => t.setOption('HUGE_PAGES', 0n, ioas),
    }),
  ],
);
