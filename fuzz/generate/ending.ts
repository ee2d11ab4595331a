import { NO_PASID, type Selftest } from '../../models/state/objects.js';
import type { IoctlStep, Step } from '../../models/program/program.js';
import type { OpenFile } from '../../models/state/open_file.js';
import { TEMPORARY_BYTES_DEFAULT } from '../../models/state/physical_memory.js';
import type { World } from '../../models/state/world.js';

/** The limit would outlive the program. */
export function resetMemoryLimit({ memory: { physical } }: World, file: string): Step[] {
  if (physical.temporaryBytesMax === TEMPORARY_BYTES_DEFAULT) return [];
  const args = { limit: TEMPORARY_BYTES_DEFAULT };
  return [
    { do: 'open', label: file },
    { do: 'ioctl', file, call: 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', args },
    { do: 'close', file },
  ];
}

/** A kernel that lets go of a device whose PASIDs are attached is not to be trusted any more. */
export function detachPasids({ fds }: World, labels: ReadonlyMap<number, string>): IoctlStep[] {
  const steps: IoctlStep[] = [];
  const files = new Set<OpenFile>();
  for (const [slot, file] of fds.entries) {
    const label = labels.get(slot);
    if (label === undefined || file.kind !== 'iommufd' || files.has(file)) continue;
    files.add(file);
    for (const object of file.objects.objects) {
      if (object.type === 'SELFTEST') steps.push(...detachSteps(object, label));
    }
  }
  return steps;
}

function detachSteps({ id, device }: Selftest, file: string): IoctlStep[] {
  const pasids = [...device.attachments.keys()].filter((pasid) => pasid !== NO_PASID);
  return pasids.map((pasid) => ({
    do: 'ioctl',
    file,
    call: 'IOMMU_TEST_OP_PASID_DETACH',
    args: { id, pasid },
  }));
}
