/** Import directions. Source: docs/architecture.md. */

/** What each directory may import of the others; Node's own modules and packages are ruled separately. */
const directions = {
  models: [],
  targets: ['models'],
  reports: [],
  suites: ['models', 'targets'],
  fuzz: ['models', 'targets'],
  check: ['models', 'targets'],
  cli: ['models', 'targets', 'suites', 'fuzz', 'check', 'reports'],
};

/** Tests of the project itself, and what they share. */
const TESTS = '[.]spec[.]ts$|^suites/(self|kernel)/';

module.exports = {
  forbidden: [
    ...Object.entries(directions).map(([directory, others]) => ({
      name: `${directory}-imports`,
      comment: `${directory} imports ${others.join(', ') || 'nothing'} of the project's directories`,
      severity: 'error',
      from: { path: `^${directory}/`, pathNot: TESTS },
      to: {
        path: `^(${Object.keys(directions).join('|')})/`,
        pathNot: `^(${[directory, ...others].join('|')})/`,
      },
    })),
    {
      name: 'models-are-pure',
      comment: 'the model is arithmetic on its state: no files, no processes, no packages',
      severity: 'error',
      from: { path: '^models/' },
      to: { dependencyTypesNot: ['local', 'type-only', 'aliased', 'undetermined'], path: '.' },
    },
    {
      name: 'targets-do-not-know-answers',
      comment: 'what runs programs on a kernel must not know what the model predicts',
      severity: 'error',
      from: { path: '^targets/(qemu|agent|kernels)/' },
      to: {
        path: '^models/(predict|compare|model_run|program_verdict|behaviour|ioctls|state|invariants|mutants|profiles)',
      },
    },
    {
      name: 'agent-encoding-is-plain',
      comment: 'the wire format knows programs and outcomes, nothing of virtual machines',
      severity: 'error',
      from: { path: '^targets/agent/' },
      to: { path: '^targets/(qemu|kernels)/' },
    },
    {
      name: 'suites-expect-by-hand',
      comment: 'scenarios state expectations; only the harness may ask the model',
      severity: 'error',
      from: { path: '^suites/[a-z_]+/', pathNot: '^suites/(harness|self|kernel|kselftest)/' },
      to: {
        dependencyTypesNot: ['type-only'],
        path: '^(models/(predict|compare|model_run|program_verdict|behaviour|ioctls|state|invariants|mutants)|targets)',
      },
    },
    {
      name: 'tests-are-leaves',
      severity: 'error',
      from: {},
      to: { path: '[.]spec[.]ts$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      comment: 'what users run needs no development dependency',
      severity: 'error',
      from: { path: '^(models|targets|suites|fuzz|check|reports|cli|index)', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
};
