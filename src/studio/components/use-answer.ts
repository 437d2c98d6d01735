import { useEffect, useState } from 'react';
import type { Result } from '../../worker/protocol.ts';
import { showAnswer } from '../stores/latest.ts';

/**
 * What the engine answers; null until it does.
 * @param request null asks nothing yet.
 * @param key names what is asked for; another key asks again, and late answers to the old one are not shown.
 * @param release frees a value that is not shown any more.
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
