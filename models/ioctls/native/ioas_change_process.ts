import { reserved32, sizeField } from '../../layout/field.js';
import { ChangeProcessPlan } from '../../state/change_process.js';
import { defineCall } from '../description.js';
import { reservedNotZero } from '../shared_rules.js';

const SOURCE = 'ioas.c:iommufd_ioas_change_process';

export const ioasChangeProcess = defineCall(
  {
    name: 'IOMMU_IOAS_CHANGE_PROCESS',
    command: 0x3b92,
    doc: 'Makes the calling process the one that pays for the pinned memory of every IOAS; only for mappings of files.',
    source: SOURCE,
    fields: { size: sizeField(), __reserved: reserved32() },
    lastRequired: '__reserved',
    respond: 'nothing',
    allocates: true,
  },
  ({ file, world }) => {
    const ioases = file.objects.objects.filter((object) => object.type === 'IOAS');
    return { ioases, plan: new ChangeProcessPlan(ioases, world.process), first: world.processes[0] };
  },
).behaves({
  rules: [
    reservedNotZero(SOURCE),
    {
      id: 'EINVAL.not_file',
      says: 'an IOAS maps memory of a process by its address, or a dma-buf',
      cite: SOURCE,
      when: ({ ioases }) =>
        ioases.some(({ table }) => table.areas.some(({ pages }) => pages.source.kind !== 'file')),
    },
    {
      id: 'ENOMEM.memlock',
      says: 'the pages that other processes pay for exceed what the caller may lock; those charged to the user count twice',
      cite: 'ioas.c:charge_current',
      when: ({ plan }) => plan.exceedsLimit,
    },
    {
      id: 'unspecified.payer_is_gone',
      says: 'a process that has exited, or called exec(), pays from its memory, maybe for no page: the kernel warns, fails with EINVAL, and moves all the same',
      cite: 'pages.c:update_mm_locked_vm',
      when: ({ plan }) => plan.payerIsGone,
      splat: { title: 'WARNING in iommufd_ioas_change_process', finding: 'change-process-counters' },
    },
    {
      id: 'unspecified.pinned_vm',
      says: 'pages that are charged to nobody leave or reach the first process, whose pinned_vm is wrong then for all that runs in it later',
      cite: 'ioas.c:need_charge_update',
      when: ({ plan, first }) => first !== undefined && plan.losesCountOf(first),
    },
  ],
  findings: [
    {
      id: 'change-process-counters',
      says: 'pages that are charged to nobody get another owner, and pinned_vm is not moved',
      isShown: ({ plan }) => plan.losesCount,
    },
  ],
  effect: ({ plan }) => {
    plan.commit();
  },
});
