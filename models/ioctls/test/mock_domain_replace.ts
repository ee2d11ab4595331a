import { present } from '../../base/assert.js';
import { id32 } from '../../layout/field.js';
import { replaceHwpt } from '../../state/attach.js';
import type { Device } from '../../state/objects.js';
import { chooseIds } from '../choices.js';
import type { CallContext } from '../description.js';
import { ADD_DOMAIN_RULES, cannotRespond } from '../shared_rules.js';
import {
  type AttachTarget,
  CANNOT_TRACK,
  NO_VDEVICE,
  TARGET_RULES,
  createAutomaticHwpt,
  lookUpTarget,
} from './attach_target.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_mock_domain_replace';

type Context = CallContext<MemberArgs<'mock_domain_replace'>> &
  AttachTarget & { readonly device: Device | undefined };

export const mockDomainReplace = defineTestOp(
  {
    op: 'MOCK_DOMAIN_REPLACE',
    member: 'mock_domain_replace',
    doc: 'Moves a mock device to an IOAS or another page table.',
    source: SOURCE,
    id: id32(['SELFTEST']),
    respond: 'struct',
    allocates: true,
  },
  ({ args, file, world }) => {
    const device = file.objects.findOfType(args.id, 'SELFTEST')?.device;
    return { device, ...lookUpTarget(file.objects.find(args.pt_id), device, world) };
  },
).behaves({
  rules: [
    {
      id: 'ENOENT.device',
      says: 'no mock device of this file has its handle under the id',
      cite: SOURCE,
      when: ({ device }) => device === undefined,
    },
    ...TARGET_RULES,
    CANNOT_TRACK,
    NO_VDEVICE,
    ...ADD_DOMAIN_RULES,
    cannotRespond({ what: 'the device has moved', does: move }),
  ],
  effect: move,
});

function move(c: Context): void {
  const { args, file, world } = c;
  const hwpt = c.existing ?? createAutomaticHwpt(c, present(chooseIds(c, ['pt_id'])[0], 'id'));
  replaceHwpt(file, present(c.device, 'a device'), hwpt, world);
  args.pt_id = hwpt.id;
}
