import type { AnyOp } from '../graph/op.ts';
import { addOp } from './add/add.ts';
import { linearOp } from './linear/linear.ts';
import { matmulOp } from './matmul/matmul.ts';

import { repeatLeadingOp, sumLeadingOp } from './sum-leading/sum-leading.ts';

/** Every op there is. The conformance test walks this list; a folder of `src/ops` that is not in it fails the test. */
export const OPS: readonly AnyOp[] = [addOp, linearOp, matmulOp, repeatLeadingOp, sumLeadingOp];
