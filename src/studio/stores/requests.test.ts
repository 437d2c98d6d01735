import { beforeEach, expect, test } from 'vitest';
import { countRequests, selectOtherCount, useRequests } from './requests.ts';

const site = { host: 'studio.example:8080' };

beforeEach(() => useRequests.setState({ own: 0, others: {} }));

test('requests to other sites are counted by their host, apart from those to the own one', () => {
  countRequests(['http://studio.example:8080/assets/a.js', 'https://hub.example/model?x=1'], site);
  countRequests(['https://hub.example/config.json', 'wss://live.example/', 'http://studio.example/'], site);
  expect(useRequests.getState()).toEqual({
    own: 1,
    others: { 'hub.example': 2, 'live.example': 1, 'studio.example': 1 },
  });
  expect(selectOtherCount(useRequests.getState())).toBe(4);
});

test('what lies inside the page is no request', () => {
  countRequests(['blob:http://studio.example:8080/7b', 'data:image/png;base64,AA'], site);
  expect(useRequests.getState()).toEqual({ own: 0, others: {} });
});
