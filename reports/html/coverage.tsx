import type { VNode } from 'preact';
import {
  type StoredCoverage,
  type StoredLine,
  byThem,
  byUs,
  countOnly,
  functionsOf,
  percent,
  renderShare,
  share,
  shareOfFunctions,
} from '../kernel_coverage.js';
import { Bar } from './bar.js';
import { CoveredFile } from './coverage_file.js';
import { type CoveragePlaces, placesIn } from './coverage_places.js';
import type { AnnotatedCoverage, ReportData } from './data.js';
import { Count, Section, Table, numbers } from './parts.js';

/** What code of kernels was reached, by file, function and line. */
export function Coverage({ coverages }: ReportData): VNode {
  return (
    <Section id="coverage" title="Coverage of the kernel">
      {coverages.map((one) => (
        <Kernel one={one} places={placesIn(one, coverages)} />
      ))}
    </Section>
  );
}

function Kernel({ one, places }: { one: AnnotatedCoverage; places: CoveragePlaces }): VNode {
  const { coverage, texts, lack } = one;
  const { kernel, source, files } = coverage;
  return (
    <div class="kernel" id={`coverage-${kernel}`}>
      <h3>
        {kernel} ({source})
      </h3>
      <Facts {...coverage} />
      {lack !== undefined && <p class="open">{lack}</p>}
      <Tools {...coverage} places={places} />
      <Files {...coverage} places={places} />
      {files.map((file) => (
        <CoveredFile
          file={file}
          text={texts.get(file.file)}
          places={places}
          hasTheirs={coverage.theirs.length > 0}
        />
      ))}
    </div>
  );
}

function Facts({ description, programs, tests, cut, theirs }: StoredCoverage): VNode {
  const ran = `${programs.toLocaleString('en')} programs of ${tests.toLocaleString('en')} tests on ${description}.`;
  const sentences = [
    ran,
    ...(cut > 0 ? [`${String(cut)} of them did more than a trace holds: the rest is not counted.`] : []),
    ...(theirs.length > 0 ? [`The kernel’s own selftests: ${theirs.join('; ')}.`] : []),
  ];
  return (
    <>
      <p>{sentences.join(' ')}</p>
      <p class="faint">
        A line counts if code that kcov tells of begins there; one whose code runs on from there is marked
        faintly, and does not count. <q>Fault injection</q>: reached only when an allocation was made to fail;{' '}
        <q>same time</q>: only by calls at the same time. A name beside a line is that of the test that was
        the first to reach it and those after it, down to the next name.
      </p>
    </>
  );
}

function Tools({ files, kernel, places }: StoredCoverage & { places: CoveragePlaces }): VNode {
  const id = `functions-${kernel}`;
  const names = files.flatMap(({ file, reachable }) =>
    [...functionsOf(reachable).keys()].map((name) => [name, places.function(file, name)] as const),
  );
  return (
    <form class="coverage-tools">
      <label>
        Go to the function <input class="go" list={id} autocomplete="off" />
      </label>
      <datalist id={id}>
        {names.map(([name, place]) => (
          <option value={name} data-place={place} />
        ))}
      </datalist>
      <label>
        <input type="checkbox" class="only-missed" /> Only what was not reached
      </label>
    </form>
  );
}

function Files({ files, theirs, places }: StoredCoverage & { places: CoveragePlaces }): VNode {
  const hasTheirs = theirs.length > 0;
  const columns = [
    'file',
    'lines',
    ...numbers('reached', '%', 'functions'),
    ...(hasTheirs ? numbers('their lines', 'their %', 'only ours', 'only theirs') : []),
  ];
  return (
    <Table
      label="Files"
      columns={columns}
      {...(hasTheirs && { caption: 'Ours beside what the kernel’s own selftests reach (lower bar)' })}
    >
      {files.map(({ file, reachable }) => (
        <Row lines={reachable} hasTheirs={hasTheirs}>
          <a href={`#${places.file(file)}`}>{places.nameOf(file)}</a>
        </Row>
      ))}
      <Row lines={files.flatMap(({ reachable }) => reachable)} hasTheirs={hasTheirs}>
        all
      </Row>
    </Table>
  );
}

function Row({
  lines,
  hasTheirs,
  children,
}: {
  lines: readonly StoredLine[];
  hasTheirs: boolean;
  children: VNode | string;
}): VNode {
  const ours = share(lines, byUs);
  const their = share(lines, byThem);
  return (
    <tr class={ours.reached === ours.all ? 'reached' : 'missed'}>
      <th scope="row">{children}</th>
      <td>
        <Bar of={percent(ours)} />
        {hasTheirs && <Bar of={percent(their)} look="their" />}
      </td>
      <td class="number">{renderShare(ours)}</td>
      <td class="number">{percent(ours).toFixed(1)}</td>
      <td class="number">{renderShare(shareOfFunctions(lines, byUs))}</td>
      {hasTheirs && (
        <>
          <td class="number">{renderShare(their)}</td>
          <td class="number">{percent(their).toFixed(1)}</td>
          <Count of={countOnly(lines, byUs, byThem)} />
          <Count of={countOnly(lines, byThem, byUs)} />
        </>
      )}
    </tr>
  );
}
