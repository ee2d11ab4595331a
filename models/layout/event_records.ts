import { choice32, flags32, id32, reserved32, u32, u64 } from './field.js';
import { layoutStruct } from './struct.js';

/** What is read from, and written to, the files of fault queues and vEVENTQs. */

/** struct iommu_hwpt_pgfault: one read of a fault queue yields whole ones. Source: iommufd.h. */
export const HWPT_PGFAULT = layoutStruct({
  flags: flags32({ PASID_VALID: 1, LAST_PAGE: 2 }),
  dev_id: id32(['DEVICE'], 'out'),
  pasid: u32('process address space', 'out'),
  grpid: u32('group of page requests', 'out'),
  perm: flags32({ READ: 1, WRITE: 2, EXEC: 4, PRIV: 8 }),
  __reserved: reserved32(),
  addr: u64('where the device met no translation', 'out'),
  length: u32('hint of how many bytes the device will want', 'out'),
  cookie: u32('names the group in the response', 'out'),
});

/** struct iommu_hwpt_page_response: what is written to a fault queue. Source: iommufd.h. */
export const HWPT_PAGE_RESPONSE = layoutStruct({
  cookie: u32('of the group that is answered'),
  code: choice32({ SUCCESS: 0, INVALID: 1 }),
});

/** struct iommufd_vevent_header: before each event of a vEVENTQ. Source: iommufd.h. */
export const VEVENT_HEADER = layoutStruct({
  flags: flags32({ LOST_EVENTS: 1 }),
  sequence: u32('number of the event that follows', 'out'),
});

/** struct iommu_viommu_event_selftest: the mock's event. Source: iommufd_test.h. */
export const VIOMMU_EVENT_SELFTEST = layoutStruct({
  virt_id: u32('name of the device in the guest', 'out'),
});
