import { type Placed, type Position, type SyzCall, SyzError, type Value } from './text.js';

/**
 * Reads the text of a program of syzkaller.
 * @throws SyzError naming line and column of what cannot be read
 */
export function parseProgram(source: string): SyzCall[] {
  return source.split(/\r?\n/).flatMap((line, index) => {
    const call = new LineParser(line, index + 1).call();
    return call === undefined ? [] : [call];
  });
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  "'": 39,
  '"': 34,
  '\\': 92,
};

const WORD = /[A-Za-z0-9_$]/;
const NUMBER = /^(0x[0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/** One line; every call has one of its own. */
class LineParser {
  #at = 0;

  constructor(
    private readonly line: string,
    private readonly number: number,
  ) {}

  /** The call of the line; undefined if there is none. */
  call(): SyzCall | undefined {
    this.#skipSpace();
    if (this.#isAtEnd() || this.#char() === '#') return undefined;
    const at = this.#position();
    const first = this.#word('the name of a call');
    const result = this.#take('=') ? first : undefined;
    const name = result === undefined ? first : this.#word('the name of a call');
    this.#expect('(');
    const args = this.#list(')');
    const annotations = this.#take('(') ? this.#annotations() : [];
    if (!this.#isAtEnd() && this.#char() !== '#') this.#fail('something follows the call');
    const failNth = annotations.find(({ name: annotation }) => annotation === 'fail_nth')?.value;
    const others = annotations.map(({ name: other }) => other).filter((other) => other !== 'fail_nth');
    return {
      name,
      args,
      at,
      ...(result === undefined ? {} : { result }),
      ...(failNth === undefined || failNth === 0 ? {} : { failNth }),
      ...(others.length === 0 ? {} : { annotations: others }),
    };
  }

  #annotations(): { readonly name: string; readonly value: number | undefined }[] {
    const annotations = [];
    while (!this.#take(')')) {
      const name = this.#word('an annotation');
      const value = this.#take(':') ? Number(this.#integer()) : undefined;
      annotations.push({ name, value });
      if (!this.#take(',') && this.#char() !== ')') this.#fail('an annotation ends with , or )');
    }
    return annotations;
  }

  #list(end: string): Placed[] {
    const values: Placed[] = [];
    while (!this.#take(end)) {
      values.push(this.#value());
      if (!this.#take(',') && this.#char() !== end) this.#fail(`, or ${end} is missing`);
    }
    return values;
  }

  #value(): Placed {
    const at = this.#position();
    return { ...this.#valueHere(), at };
  }

  #valueHere(): Value {
    switch (this.#char()) {
      case '<':
        return this.#produced();
      case '&':
        return this.#pointer();
      case '"':
      case "'":
        return this.#data();
      case '{':
        this.#expect('{');
        return { is: 'struct', members: this.#list('}') };
      case '[':
        this.#expect('[');
        return { is: 'array', items: this.#list(']') };
      case '@':
        return this.#union();
      default:
        return this.#simple();
    }
  }

  #produced(): Value {
    this.#expect('<');
    const produces = this.#word('a variable');
    this.#expect('=');
    this.#expect('>');
    const value = this.#simple();
    if (value.is !== 'number' && value.is !== 'variable') this.#fail('a value that has a name is a number');
    return { ...value, produces };
  }

  #simple(): Value {
    const start = this.#at;
    const word = this.#word('a value');
    if (word === 'nil') return { is: 'nil' };
    if (word === 'AUTO') return { is: 'auto' };
    if (/^r[0-9]+$/.test(word)) {
      if (this.#take('/')) this.#fail('a variable cannot be divided');
      return { is: 'variable', name: word, plus: this.#take('+') ? this.#integer() : 0n };
    }
    this.#at = start;
    return { is: 'number', value: this.#integer() };
  }

  #pointer(): Value {
    this.#expect('&');
    if (!this.#take('(')) {
      if (this.#word('an address') !== 'AUTO') this.#fail('a pointer is &(ADDRESS) or &AUTO');
      return { is: 'pointer', address: undefined, ...this.#target() };
    }
    const address = this.#integer();
    const bytes = this.#take('/') ? this.#integer() : undefined;
    this.#expect(')');
    return { is: 'pointer', address, ...(bytes === undefined ? {} : { bytes }), ...this.#target() };
  }

  /** What a pointer leads to. `ANY` before it says that it is data of any form, which its own form says as well. */
  #target(): { readonly to?: Placed } {
    if (!this.#take('=')) return {};
    if (this.line.startsWith('ANY', this.#at)) {
      this.#word('ANY');
      this.#expect('=');
    }
    const to = this.#value();
    return to.is === 'nil' ? {} : { to };
  }

  #union(): Value {
    this.#expect('@');
    const option = this.#word('an option of a union');
    return this.#take('=') ? { is: 'union', option, value: this.#value() } : { is: 'union', option };
  }

  #data(): Value {
    const bytes = this.#char() === '"' ? this.#hexData() : this.#readableData();
    this.#skipSpace();
    return this.#take('/') ? { is: 'data', bytes, length: Number(this.#integer()) } : { is: 'data', bytes };
  }

  #hexData(): Uint8Array {
    const start = this.#at;
    const end = this.line.indexOf('"', start + 1);
    if (end < 0) this.#fail('the data does not end');
    const content = this.line.slice(start + 1, end);
    if (content.startsWith('$')) this.#fail('compressed data is not supported');
    if (!/^([0-9a-fA-F]{2})*$/.test(content)) this.#fail('the data is not hexadecimal');
    this.#at = end + 1;
    return Uint8Array.from(Buffer.from(content, 'hex'));
  }

  #readableData(): Uint8Array {
    const bytes: number[] = [];
    this.#at += 1;
    while (this.line[this.#at] !== "'") {
      if (this.#isAtEnd()) this.#fail('the text does not end');
      bytes.push(this.#byte());
    }
    this.#at += 1;
    return Uint8Array.from(bytes);
  }

  #byte(): number {
    const character = this.line.charAt(this.#at);
    this.#at += 1;
    if (character !== '\\') return character.charCodeAt(0) & 0xff;
    const escape = this.line.charAt(this.#at);
    this.#at += 1;
    if (escape === 'x') {
      const hex = this.line.slice(this.#at, this.#at + 2);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) this.#fail('\\x takes two hexadecimal digits');
      this.#at += 2;
      return parseInt(hex, 16);
    }
    return ESCAPES[escape] ?? this.#fail(`there is no escape \\${escape}`);
  }

  #integer(): bigint {
    const start = this.#at;
    const word = this.#word('a number');
    if (!NUMBER.test(word)) {
      this.#at = start;
      this.#fail(`${word} is no number`);
    }
    const value = BigInt(/^0[0-7]+$/.test(word) ? `0o${word.slice(1)}` : word);
    if (BigInt.asUintN(64, value) !== value) this.#fail(`${word} takes more than 64 bits`);
    return value;
  }

  #word(what: string): string {
    this.#skipSpace();
    const start = this.#at;
    while (!this.#isAtEnd() && WORD.test(this.line.charAt(this.#at))) this.#at += 1;
    if (this.#at === start) this.#fail(`${what} is missing`);
    const word = this.line.slice(start, this.#at);
    this.#skipSpace();
    return word;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.#fail(`${character} is missing`);
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#char() !== character) return false;
    this.#at += 1;
    this.#skipSpace();
    return true;
  }

  #skipSpace(): void {
    while (this.#char() === ' ' || this.#char() === '\t') this.#at += 1;
  }

  #char(): string {
    return this.line.charAt(this.#at);
  }

  #isAtEnd(): boolean {
    return this.#at >= this.line.length;
  }

  #position(): Position {
    this.#skipSpace();
    return { line: this.number, column: this.#at + 1 };
  }

  #fail(problem: string): never {
    throw new SyzError(problem, this.#position());
  }
}
