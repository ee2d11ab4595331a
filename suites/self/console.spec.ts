import { assert } from 'chai';
import { ConsoleLog, parseSplat, parseSplats } from '../../targets/qemu/console.js';

/** Console texts as Linux prints them, shortened, with the title and whether the machine must be replaced. */
const TEXTS: readonly (readonly [title: string, needsRestart: boolean, text: string])[] = [
  [
    'WARNING in iopt_insert_area',
    false,
    `------------[ cut here ]------------
WARNING: drivers/iommu/iommufd/io_pagetable.c:245 at iopt_insert_area+0x12f/0x1c0, CPU#0: init/62
CPU: 0 UID: 0 PID: 62 Comm: init Not tainted 7.3.4 #1 PREEMPT(none)
RIP: 0010:iopt_insert_area+0x12f/0x1c0
Call Trace:
 <TASK>
---[ end trace 0000000000000000 ]---`,
  ],
  [
    'WARNING in iopt_insert_area',
    false,
    `------------[ cut here ]------------
WARNING: CPU: 1 PID: 70 at drivers/iommu/iommufd/io_pagetable.c:238 iopt_insert_area+0x118/0x1b0
Modules linked in:
CPU: 1 UID: 0 PID: 70 Comm: init Not tainted 6.12.117 #1
RIP: 0010:iopt_insert_area+0x118/0x1b0`,
  ],
  [
    'KASAN: slab-use-after-free in iommufd_object_remove',
    true,
    `==================================================================
BUG: KASAN: slab-use-after-free in iommufd_object_remove+0x3c/0x540
Read of size 4 at addr ffff888004f3e018 by task init/71

CPU: 0 UID: 0 PID: 71 Comm: init Not tainted 7.3.4 #2`,
  ],
  [
    'BUG: kernel NULL pointer dereference in iommufd_ioas_map',
    true,
    `BUG: kernel NULL pointer dereference, address: 0000000000000018
#PF: supervisor read access in kernel mode
Oops: Oops: 0000 [#1] SMP
RIP: 0010:iommufd_ioas_map+0x2c/0x3a0
Kernel panic - not syncing: Fatal exception`,
  ],
  [
    'BUG: drivers/iommu/iommufd/pages.c in iopt_area_unpin_domain',
    true,
    `kernel BUG at drivers/iommu/iommufd/pages.c:731!
Oops: invalid opcode: 0000 [#1] SMP
RIP: 0010:iopt_area_unpin_domain+0x9e/0x150`,
  ],
  [
    'lockdep: possible circular locking dependency detected',
    true,
    `======================================================
WARNING: possible circular locking dependency detected
7.3.4 #1 Not tainted
------------------------------------------------------
init/65 is trying to acquire lock:
ffff888003a0c0a8 (&ioas->mutex){+.+.}-{4:4}, at: iommufd_hwpt_paging_alloc+0x1a4/0x560`,
  ],
  [
    'hung task: init',
    true,
    `INFO: task init:62 blocked for more than 30 seconds.
      Not tainted 7.3.4 #1`,
  ],
  [
    'refcount: underflow; use-after-free.',
    false,
    `refcount_t: underflow; use-after-free.
WARNING: lib/refcount.c:28 at refcount_warn_saturate+0xba/0x110, CPU#1: init/62`,
  ],
  [
    'panic: Attempted to kill init! exitcode=ADDR',
    true,
    'Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b',
  ],
];

const QUIET = [
  '',
  'Linux version 7.3.4 (root@host) (gcc (Debian 12.2.0) 12.2.0) #1 SMP',
  'Warning: unable to open an initial console.',
  'x86/fpu: x87 FPU will use FXSAVE',
  'Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on',
];

describe('console texts', () => {
  for (const [title, needsRestart, text] of TEXTS) {
    it(`${title}${needsRestart ? ', and the machine is replaced' : ''}`, () => {
      const splat = parseSplat(text);
      assert.deepInclude({ ...splat }, { title, needsRestart });
    });
  }

  for (const text of QUIET) {
    it(`nothing is wrong with "${text}"`, () => {
      assert.isUndefined(parseSplat(text));
    });
  }

  it('tell of each report that they hold, and of the same one once', () => {
    const [, , warning] = TEXTS[0] ?? [];
    const other = warning?.replaceAll('iopt_insert_area', 'iopt_area_fill_domain');
    const titles = parseSplats([warning, other, warning].join('\n')).map(({ title }) => title);
    assert.deepEqual(titles, ['WARNING in iopt_insert_area', 'WARNING in iopt_area_fill_domain']);
    assert.deepEqual(parseSplats(QUIET.join('\n')), []);
  });

  it('give the same title from run to run', () => {
    const [, , text] = TEXTS[2] ?? [];
    assert.isString(text);
    const other = text
      ?.replaceAll('ffff888004f3e018', 'ffff888012345678')
      .replaceAll('+0x3c/0x540', '+0x3d/0x550');
    assert.equal(parseSplat(other ?? '')?.title, parseSplat(text ?? '')?.title);
  });

  it('are kept from the last mark on, without the returns of a serial line', () => {
    const log = new ConsoleLog();
    log.append('boot\r\n');
    log.mark();
    log.append('one\r\ntwo');
    assert.equal(log.text, 'one\ntwo');
  });

  it('are bounded, and keep their end', () => {
    const log = new ConsoleLog();
    for (let count = 0; count < 40; count++) log.append('x'.repeat(50_000));
    log.append('the end');
    assert.isBelow(log.text.length, 1 << 20);
    assert.isTrue(log.text.endsWith('the end'));
  });
});
