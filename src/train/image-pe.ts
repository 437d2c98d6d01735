import type { SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, Pool } from '../graph/executable.ts';
import { planGraph } from '../graph/plan.ts';
import { imagePeGraph } from '../sam/graphs.ts';
import { cellCoords } from '../sam/prompt-encoder.ts';
import { bindingsOf, type FindRange } from './bindings.ts';

/** The positional encoding of the embedding's cells [h, w, D], which depends on frozen weights alone. */
export async function computeImagePe(gpu: Gpu, sam: SamConfig, weights: FindRange): Promise<Float32Array> {
  const plan = planGraph(imagePeGraph(sam), gpu.traits);
  const cells: BufferRange = gpu.upload(cellCoords(sam), 'cells of the embedding');
  const pool = Pool.allocate(gpu, [plan], 'imagePe');
  try {
    const inputs = bindingsOf(plan, (name) => (name === 'cells' ? cells : undefined), weights);
    const executable = await Executable.create(gpu, plan, pool, inputs);
    await executable.run();
    const [values] = await gpu.read(executable.output('imagePe'));
    return values ?? new Float32Array();
  } finally {
    pool.release();
    gpu.release(cells.buffer);
  }
}
