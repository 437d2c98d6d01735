/** All calls. Conventions: ../protocol.ts. */

import type { BootCalls } from './boot.ts';
import type { DataCalls } from './data.ts';
import type { FindCalls } from './find.ts';
import type { LabelCalls } from './labels.ts';
import type { ModelCalls } from './model.ts';
import type { OutputCalls } from './output.ts';
import type { ProjectCalls } from './project.ts';
import type { QueueCalls } from './queue.ts';
import type { SegmentCalls } from './segment.ts';
import type { TrainCalls } from './train.ts';
import type { WorthCalls } from './worth.ts';

/** Every call: name → [request, answer]. */
export interface EngineCalls
  extends BootCalls,
    ModelCalls,
    DataCalls,
    LabelCalls,
    FindCalls,
    TrainCalls,
    QueueCalls,
    SegmentCalls,
    OutputCalls,
    ProjectCalls,
    WorthCalls {}

export type CallName = keyof EngineCalls;
export type RequestOf<K extends CallName> = EngineCalls[K][0];
export type AnswerOf<K extends CallName> = EngineCalls[K][1];
