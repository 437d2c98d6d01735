import { expect, test, vi } from 'vitest';
import { watchVersions } from './keep-offline.ts';

/** A registration whose service workers come and change as a test says, as browsers have them. */
class FakeRegistration extends EventTarget {
  installing: ServiceWorker | null = null;
  waiting: ServiceWorker | null = null;

  constructor(public active: ServiceWorker | null) {
    super();
  }

  /** A service worker begins to install. */
  find(): void {
    this.installing = fakeWorker();
    this.dispatchEvent(new Event('updatefound'));
  }

  /** It is installed, and waits for the one before it where there is one. */
  install(): void {
    const worker = this.installing;
    this.installing = null;
    this.waiting = worker;
    worker?.dispatchEvent(new Event('statechange'));
    if (this.active) return;
    this.waiting = null;
    this.active = worker;
    worker?.dispatchEvent(new Event('statechange'));
  }
}

const fakeWorker = () => new EventTarget() as ServiceWorker;

function watched(
  active: ServiceWorker | null,
  change: (registration: FakeRegistration) => void = () => undefined,
) {
  const registration = new FakeRegistration(active);
  change(registration);
  const onNewVersion = vi.fn();
  watchVersions(registration, onNewVersion);
  return { registration, onNewVersion };
}

test('a version that waits since an earlier visit is told', () => {
  const { onNewVersion } = watched(fakeWorker(), (registration) => {
    registration.waiting = fakeWorker();
  });
  expect(onNewVersion).toHaveBeenCalledOnce();
});

test('a version that is found while the studio is open is told when it is installed', () => {
  const { registration, onNewVersion } = watched(fakeWorker());
  registration.find();
  expect(onNewVersion).not.toHaveBeenCalled();
  registration.install();
  expect(onNewVersion).toHaveBeenCalledOnce();
});

test('a version that is being installed already is told, too', () => {
  const { registration, onNewVersion } = watched(fakeWorker(), (own) => own.find());
  registration.install();
  expect(onNewVersion).toHaveBeenCalledOnce();
});

test('the first visit, which installs the only version, is told nothing', () => {
  const { registration, onNewVersion } = watched(null);
  registration.find();
  registration.install();
  expect(onNewVersion).not.toHaveBeenCalled();
});
