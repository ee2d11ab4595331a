import { defineValueCall } from '../description.js';

/** VFIO_API_VERSION. Source: linux/vfio.h. */
const API_VERSION = 0;

export const vfioGetApiVersion = defineValueCall(
  {
    name: 'VFIO_GET_API_VERSION',
    command: 0x3b64,
    protocol: 'vfio',
    doc: 'Returns the version of the VFIO interface, which is 0.',
    source: 'vfio_compat.c:iommufd_vfio_ioctl',
    fields: {},
    allocates: false,
  },
  () => ({}),
).behaves({ rules: [], returns: () => API_VERSION });
