/** The version of the studio, as in `package.json`: files that go out say it, so that an older studio can say what it lacks. */
export const STUDIO_VERSION = '0.1.0';
