/** Exits with 0 when Dawn under Node finds a WebGPU adapter. */
import { create } from 'webgpu';

const instance = create([]);
const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
process.exit(adapter ? 0 : 1);
