import { useEffect, useState } from 'react';
import type { Result } from '../../worker/protocol.ts';
import { showAnswer } from '../stores/latest.ts';

/**
 * The answer to a call of the engine; null until it arrives.
 * @param request makes the call; null makes none yet.
 * @param key identifies the request: another key makes a new call, and late answers to the old one are not shown.
 * @param release frees a value that is no longer shown.
 */
export function useAnswer<T>(
  request: (() => Promise<Result<T>>) | null,
  key: string,
  release: (value: T) => void = () => undefined,
): Result<T> | null {
  const [answer, setAnswer] = useState<Result<T> | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the request
  useEffect(() => {
    if (!request) return;
    const cancel = showAnswer(request(), setAnswer, release);
    return () => {
      cancel();
      setAnswer(null);
    };
  }, [key]);
  return answer;
}
