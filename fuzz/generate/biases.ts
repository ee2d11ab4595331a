/**
 * How often generated programs do what is unusual: the visible bias, with its reasons. What they do usually follows from the
 * descriptions of the calls and from the state of the model.
 */
interface Bias {
  /** Of so many, one. */
  readonly oneIn: number;
  readonly what: string;
  readonly why: string;
}

export const BIASES = {
  failingStep: {
    oneIn: 4,
    what: 'steps that may fail without an attempt to make them succeed',
    why: 'what a failed call leaves behind; more of them, and nothing is ever reached',
  },
  nothingToUse: {
    oneIn: 4,
    what: 'calls on a file without objects that are not IOAS_ALLOC instead',
    why: 'most calls need an IOAS',
  },
  noCompat: {
    oneIn: 4,
    what: 'calls of VFIO without an IOAS that they work on',
    why: 'nearly all of them need one',
  },
  splat: {
    oneIn: 200,
    what: 'draws of calls that make the kernel warn',
    why: 'a warning costs a guest some time, and shows the same each time',
  },
  noId: { oneIn: 16, what: 'ids that are 0, 1, all ones, or of nothing', why: 'lookups that fail' },
  staleId: {
    oneIn: 32,
    what: 'ids of an object that is gone',
    why: 'use after destruction; the id may have come to another object',
  },
  otherType: {
    oneIn: 12,
    what: 'ids of an object of any type',
    why: 'type checks, and calls that take more than one type',
  },
  otherFd: {
    oneIn: 12,
    what: 'descriptors of any kind of file where one kind is asked for',
    why: 'type checks of files',
  },
  otherFile: {
    oneIn: 64,
    what: 'calls on any descriptor of the program, open or closed',
    why: 'files that know no such call',
  },
  closedFile: { oneIn: 8, what: 'steps on files that may be closed', why: 'EBADF' },
  edgeOfWord: {
    oneIn: 24,
    what: 'addresses, lengths and offsets at an edge of 2^31, 2^32, 2^63 or 2^64',
    why: 'sums that wrap, signs, truncation',
  },
  emptyRange: { oneIn: 64, what: 'lengths of 0', why: 'what is empty is refused, or is everything' },
  wrappingLength: {
    oneIn: 24,
    what: 'lengths that end one before, at, or one behind 2^64',
    why: 'the check for wrapping, from both sides',
  },
  giantRange: {
    oneIn: 96,
    what: 'calls about nearly all of the address space',
    why: 'limits of lengths and of counts of pages, and places when nothing but the end is left',
  },
  edgeOfMemory: {
    oneIn: 24,
    what: 'user addresses in a hole, at 0, in the kernel, at the end of a region',
    why: 'memory that is not there, or ends within',
  },
  edgeOfGranule: {
    oneIn: 32,
    what: 'granules at an edge of the word',
    why: 'shifts, and sizes that are no power of two',
  },
  edgeOfCount: {
    oneIn: 48,
    what: 'counts of elements at the limits of calls, and of what the kernel can allocate',
    why: 'limits, and sizes that are products',
  },
  awkwardGranule: { oneIn: 4, what: 'granules that do not divide the range', why: 'alignment checks' },
  freshIova: {
    oneIn: 3,
    what: 'IOVAs that are not near what is mapped, allowed, reserved, or the end of the aperture',
    why: 'most rules are about what is there, automatic places about what is not',
  },
  lookBack: {
    oneIn: 2,
    what: 'failed writes by accesses, unmappings, refused mappings and calls that cannot answer, that a look at what they left follows',
    why: 'what they have done before they failed',
  },
  otherCommand: { oneIn: 40, what: 'calls of VFIO with another number', why: 'what the dispatcher refuses' },
  disturbedFrame: {
    oneIn: 20,
    what: 'structs that are longer, shorter, not writable, at the end of memory, or go to another command',
    why: 'sizes of older and newer versions, and copies that fail within',
  },
  unwritableStruct: {
    oneIn: 6,
    what: 'structs that cannot be written back, of calls that may fail and do not',
    why: 'what a call has done that cannot say so',
  },
  secondFault: {
    oneIn: 2,
    what: 'calls that fail for more than one reason, of those that fail',
    why: 'which of two checks comes first is seen only where both object',
  },
  reserved: { oneIn: 32, what: 'reserved members that are not 0', why: 'must be 0' },
  unknownFlag: { oneIn: 32, what: 'flags with a bit that may have no meaning', why: 'must be refused' },
  unknownChoice: { oneIn: 24, what: 'choices that are any small number', why: 'must be refused' },
  noBuffer: { oneIn: 24, what: 'arrays where there is no memory', why: 'copies that fail' },
  bufferAtEdge: {
    oneIn: 24,
    what: 'arrays that end where memory does',
    why: 'reading or writing one element too many',
  },
  positionedRead: {
    oneIn: 10,
    what: 'reads and writes of descriptors at an offset',
    why: 'files without positions',
  },
  shortBuffer: { oneIn: 6, what: 'less room than the call may need', why: 'answers cut short' },
  oddElements: {
    oneIn: 8,
    what: 'elements of another size than the driver knows',
    why: 'versions of driver data',
  },
} as const satisfies Readonly<Record<string, Bias>>;

/** In calls that may fail, what makes them fail comes more often: in others, it would only have them drawn again. */
export const FAILING_BIASES = {
  noId: 8,
  otherType: 8,
  edgeOfWord: 8,
  giantRange: 24,
  emptyRange: 16,
  wrappingLength: 8,
  edgeOfMemory: 8,
  edgeOfGranule: 12,
  edgeOfCount: 12,
  disturbedFrame: 10,
  reserved: 10,
  unknownFlag: 10,
  unknownChoice: 8,
  noBuffer: 8,
  bufferAtEdge: 12,
} as const satisfies ChangedBiases;

export type BiasName = keyof typeof BIASES;

/** Biases that are others than usual, one in so many. */
export type ChangedBiases = Partial<Readonly<Record<BiasName, number>>>;
