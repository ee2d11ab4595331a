import type { IommufdFile } from './iommufd_file.js';
import type { Fault, Veventq } from './objects.js';
import type { OpenFile, OpenFileBase } from './open_file.js';

/** The file of a fault queue: reading takes faults, writing answers them. */
export class FaultFile implements OpenFileBase {
  readonly kind = 'fault';
  references = 0;

  constructor(
    /** The iommufd, which it keeps open. */
    readonly context: IommufdFile,
    readonly object: Fault,
  ) {
    hold(this);
  }
}

/** The file of a vEVENTQ: reading takes events. */
export class VeventqFile implements OpenFileBase {
  readonly kind = 'veventq';
  references = 0;

  constructor(
    /** The iommufd, which it keeps open. */
    readonly context: IommufdFile,
    readonly object: Veventq,
  ) {
    hold(this);
  }
}

export type EventFile = FaultFile | VeventqFile;

/** Whether a file is one that events are read from. */
export function isOfEvents(file: OpenFile | undefined): file is EventFile {
  return file?.kind === 'fault' || file?.kind === 'veventq';
}

/** An open file is a user of its queue, which can have no other, and a reference of the iommufd. Source: eventq.c:iommufd_eventq_init. */
function hold({ context, object }: EventFile): void {
  context.references += 1;
  object.users += 1;
}
