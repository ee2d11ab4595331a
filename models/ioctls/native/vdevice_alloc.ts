import { present } from '../../base/assert.js';
import { type ArgsOf, id32, sizeField, u64 } from '../../layout/field.js';
import type { Device, Viommu } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import { type CallContext, defineCall } from '../description.js';
import { cannotRespond, noSuchDevice } from '../shared_rules.js';

const SOURCE = 'viommu.c:iommufd_vdevice_alloc_ioctl';

const FIELDS = {
  size: sizeField(),
  viommu_id: id32(['VIOMMU']),
  dev_id: id32(['DEVICE']),
  out_vdevice_id: id32(['VDEVICE'], 'out'),
  virt_id: u64('name of the device in the guest'),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & {
  readonly viommu: Viommu | undefined;
  readonly device: Device | undefined;
};

export const vdeviceAlloc = defineCall(
  {
    name: 'IOMMU_VDEVICE_ALLOC',
    command: 0x3b91,
    doc: 'Makes what a guest sees of a device, under the name that the guest has for it.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'virt_id',
    respond: 'struct',
    allocates: true,
  },
  ({ args, file }) => ({
    viommu: file.objects.findOfType(args.viommu_id, 'VIOMMU'),
    device: file.objects.findOfType(args.dev_id, 'DEVICE'),
  }),
).behaves({
  rules: [
    {
      id: 'ENOENT.viommu',
      says: 'no vIOMMU of this file has the id viommu_id',
      cite: SOURCE,
      when: ({ viommu }) => viommu === undefined,
    },
    noSuchDevice(SOURCE),
    {
      id: 'EEXIST.device',
      says: 'the device has a vDEVICE already, on whatever vIOMMU',
      cite: SOURCE,
      when: ({ device }) => device?.vdevice !== undefined,
    },
    {
      id: 'EEXIST.virt_id',
      says: 'the vIOMMU has a vDEVICE of that name already',
      cite: SOURCE,
      when: ({ args, file, viommu }) =>
        viommu !== undefined && file.objects.findVdevice(viommu, args.virt_id) !== undefined,
    },
    cannotRespond(),
  ],
  effect: (c: Context) => {
    const { args, file } = c;
    const [id] = chooseIds(c, ['out_vdevice_id']);
    args.out_vdevice_id = present(id, 'id');
    const [viommu, device] = [present(c.viommu, 'a vIOMMU'), present(c.device, 'a device')];
    viommu.users += 1;
    device.users += 1;
    device.vdevice = {
      type: 'VDEVICE',
      id: args.out_vdevice_id,
      users: 1,
      viommu,
      device,
      virtId: args.virt_id,
    };
    file.objects.insert(device.vdevice);
  },
});
