import { expect, it, vi } from 'vitest';
import { openNodeGpu } from './node-gpu.ts';

vi.mock('webgpu', async (original) => ({
  ...(await original<typeof import('webgpu')>()),
  create: () => ({ requestAdapter: async () => null }),
}));

it('says how Node gets an adapter where there is none, not what to do in a browser', async () => {
  await expect(openNodeGpu()).rejects.toMatchObject({
    record: { code: 'gpu/no-adapter', cure: expect.stringMatching(/Vulkan driver.*VK_ICD_FILENAMES/) },
  });
});
