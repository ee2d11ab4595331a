import type { ComponentChildren, VNode } from 'preact';

interface SectionProps {
  /** Its place, for links. */
  readonly id: string;
  readonly title: string;
  readonly children: ComponentChildren;
}

/** A part of the report, named by its heading. */
export function Section({ id, title, children }: SectionProps): VNode {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

/** Head of a column; of numbers it stands on the right. */
export type Column = string | { readonly number: string };

interface TableProps {
  /** What is read out where the table is scrolled. */
  readonly label: string;
  readonly columns: readonly Column[];
  /** Shown above it. */
  readonly caption?: string;
  /** Classes of what is scrolled. */
  readonly look?: string;
  /** Of the body, for the script that filters it. */
  readonly list?: boolean;
  /** Rows. */
  readonly children: ComponentChildren;
}

/** A table that is scrolled sideways where it is too wide, also by keyboard. */
export function Table({ label, columns, caption, look, list = false, children }: TableProps): VNode {
  return (
    <div
      class={look === undefined ? 'scroll' : `scroll ${look}`}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <table>
        {caption !== undefined && <caption>{caption}</caption>}
        <thead>
          <tr>
            {columns.map((column) =>
              typeof column === 'string' ? (
                <th scope="col">{column}</th>
              ) : (
                <th scope="col" class="number">
                  {column.number}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody class={list ? 'list' : undefined}>{children}</tbody>
      </table>
    </div>
  );
}

/** Heads of columns of numbers. */
export function numbers(...titles: readonly string[]): Column[] {
  return titles.map((number) => ({ number }));
}

/** A number as people read it. */
export function Count({ of }: { readonly of: number }): VNode {
  return <td class="number">{of.toLocaleString('en')}</td>;
}
