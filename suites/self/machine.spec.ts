import { assert } from 'chai';
import { toleratesIommu } from '../../targets/qemu/machine.js';

describe('a guest', () => {
  for (const [version, has] of [
    ['6.12.117', false],
    ['7.2.9', false],
    ['7.3.4', true],
    ['7.10.0-rc1+', true],
    ['8.0.0-rc1', true],
    ['', false],
  ] as const) {
    it(`of Linux ${version === '' ? 'an unknown version' : version} has ${has ? 'an' : 'no'} IOMMU`, () => {
      assert.equal(toleratesIommu(version), has);
    });
  }
});
