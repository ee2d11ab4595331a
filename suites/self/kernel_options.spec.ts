import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from 'chai';
import { lostOptions, optionsOf, withOptions } from '../../targets/kernels/options.js';

describe('options of kernels', () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-options-'));
  });

  after(() => rm(directory, { recursive: true, force: true }));

  async function write(base: string, fast: string): Promise<string> {
    await writeFile(join(directory, 'base.config'), base);
    await writeFile(join(directory, 'fast.config'), fast);
    return optionsOf('fast', directory);
  }

  it('a flavour is over the base, and remarks say nothing', async () => {
    const options = await write(
      '# Why.\nCONFIG_SMP=y\nCONFIG_NR_CPUS=4\n\n# CONFIG_VT is not set\n',
      '# And why not.\nCONFIG_SMP=n\nCONFIG_CMDLINE="a=b #c"\n',
    );
    assert.equal(options, 'CONFIG_SMP=n\nCONFIG_NR_CPUS=4\nCONFIG_VT=n\nCONFIG_CMDLINE="a=b #c"\n');
    const otherwise = await write(
      'CONFIG_SMP=y\nCONFIG_NR_CPUS=4\nCONFIG_VT=n\n',
      '# Other words.\nCONFIG_SMP=n\nCONFIG_CMDLINE="a=b #c"\n',
    );
    assert.equal(otherwise, options);
  });

  it('are set over what is there', () => {
    const config = '#\n# Linux/x86 6.12 Kernel Configuration\n#\n# CONFIG_PCI is not set\nCONFIG_TTY=y\n';
    assert.equal(withOptions(config, 'CONFIG_PCI=y\n'), 'CONFIG_PCI=y\nCONFIG_TTY=y\n');
  });

  it('that others decide about are lost, and some of them are required', () => {
    const asked =
      'CONFIG_IOMMUFD=y\nCONFIG_IOMMUFD_TEST=y\nCONFIG_VT=n\nCONFIG_CPU_FREQ=n\nCONFIG_NEW=y\nCONFIG_OLD=n\n';
    const final =
      'CONFIG_IOMMUFD=y\nCONFIG_VIRTIO_CONSOLE=y\n# CONFIG_IOMMUFD_TEST is not set\n# CONFIG_VT is not set\nCONFIG_CPU_FREQ=y\n';
    assert.deepEqual(lostOptions(asked, final), {
      lost: ['CONFIG_IOMMUFD_TEST=y', 'CONFIG_CPU_FREQ=n', 'CONFIG_NEW=y'],
      required: ['CONFIG_IOMMUFD_TEST'],
    });
  });

  it('that are required are so although nobody asks for them', () => {
    assert.deepEqual(lostOptions('', 'CONFIG_IOMMUFD=y\nCONFIG_IOMMUFD_TEST=m\n'), {
      lost: [],
      required: ['CONFIG_IOMMUFD_TEST', 'CONFIG_VIRTIO_CONSOLE'],
    });
  });
});
