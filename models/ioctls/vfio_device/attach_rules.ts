import type { CallContext, Rule } from '../description.js';
import { ATTACH_FLAGS } from './device.js';

/** What flags are refused for: ATTACH and DETACH have the same. */
export function attachFlagRules(cite: string): readonly Rule<CallContext<{ flags: number }>>[] {
  return [
    {
      id: 'EINVAL.flags',
      says: 'flags has a bit that this kernel does not know',
      cite,
      when: ({ args, profile }) => (args.flags & ~profile.vfioAttachFlags) !== 0,
    },
    {
      id: 'EOPNOTSUPP.pasid',
      says: 'flags has PASID, and the sample device has none',
      cite,
      isFor: ({ vfioAttachFlags }) => vfioAttachFlags !== 0,
      when: ({ args }) => (args.flags & ATTACH_FLAGS.PASID) !== 0,
    },
  ];
}
