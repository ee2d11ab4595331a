import { type ArgsOf, type FieldTable, choice32, u32, sizeField } from '../../layout/field.js';
import { layoutStruct } from '../../layout/struct.js';
import {
  type CallContext,
  type CallDescription,
  type Response,
  type CallBehaviour,
  type Lookup,
  defineSegmentedCall,
} from '../description.js';
import { TEST_MEMBERS, TEST_OPS, type TestMember } from './test_members.js';

/** IOMMU_TEST_CMD: the one number behind all operations of the mock hardware. Source: iommufd_test.h. */
export const TEST_COMMAND = 0x3ba0;

const TRAILER = { last: u32('ends the struct; never checked') };

const UNION_BYTES = Math.max(...Object.values(TEST_MEMBERS).map((member) => layoutStruct(member).bytes));

interface HeaderArgs {
  id: number;
}

/** The face of one operation; the frame around its union member is common. */
interface TestOpInterface<M extends TestMember> {
  readonly op: keyof typeof TEST_OPS;
  readonly member: M;
  readonly doc: string;
  readonly source: string;
  /** The meaning of the header's id. */
  readonly id: ReturnType<typeof u32>;
  readonly respond: Response;
  readonly allocates: boolean;
  readonly hidesFd?: boolean;
}

/** The decoded union member. */
export type MemberArgs<M extends TestMember> = ArgsOf<(typeof TEST_MEMBERS)[M]>;

/** Describes one operation of IOMMU_TEST_CMD. */
export function defineTestOp<M extends TestMember, R extends object>(
  face: TestOpInterface<M>,
  lookUp: Lookup<HeaderArgs & MemberArgs<M>, R>,
): { behaves(behaviour: CallBehaviour<CallContext<HeaderArgs & MemberArgs<M>> & R>): CallDescription } {
  return defineSegmentedCall<FieldTable, R>(
    {
      name: `IOMMU_TEST_OP_${face.op}`,
      command: TEST_COMMAND,
      op: TEST_OPS[face.op],
      doc: face.doc,
      source: face.source,
      segments: [
        { fields: headerFields(face.id) },
        { fields: TEST_MEMBERS[face.member], bytesMin: UNION_BYTES, alignMin: 8 },
        { fields: TRAILER },
      ],
      lastRequired: 'last',
      respond: face.respond,
      allocates: face.allocates,
      hidesFd: face.hidesFd ?? false,
    },
    lookUp as unknown as Lookup<ArgsOf<FieldTable>, R>,
  ) as unknown as ReturnType<typeof defineTestOp<M, R>>;
}

function headerFields(id: ReturnType<typeof u32>): FieldTable {
  return {
    size: sizeField(),
    op: choice32(TEST_OPS),
    id,
    __reserved: u32('never checked'),
  };
}

/** The command with an operation that no kernel has; a described operation is looked up by its number instead. */
export const testCommand = defineSegmentedCall(
  {
    name: 'IOMMU_TEST_CMD',
    command: TEST_COMMAND,
    doc: 'Drives the mock IOMMU hardware of a kernel with CONFIG_IOMMUFD_TEST; op selects what.',
    source: 'selftest.c:iommufd_test',
    segments: [
      { fields: headerFields(u32('depends on the operation')) },
      { fields: {}, bytesMin: UNION_BYTES, alignMin: 8 },
      { fields: TRAILER },
    ],
    lastRequired: 'last',
    respond: 'nothing',
    allocates: false,
  },
  () => ({}),
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.op',
      says: 'op is no operation of this kernel',
      cite: 'selftest.c:iommufd_test',
      when: ({ args, profile }) => !isKnownOp(Number(args.op), profile.lastTestOp),
    },
    {
      id: 'unspecified.op',
      says: 'the model does not describe this operation yet',
      cite: 'models/ioctls/test',
      when: ({ args, profile }) => isKnownOp(Number(args.op), profile.lastTestOp),
    },
  ],
});

function isKnownOp(op: number, lastTestOp: number): boolean {
  return op >= 1 && op <= lastTestOp;
}
