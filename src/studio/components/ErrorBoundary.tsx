import { Component, type ReactNode } from 'react';

interface Props {
  /** Subject of the message: "The Train page". */
  readonly what: string;
  readonly children: ReactNode;
}

/** Shows a message in place of a part that failed to render, with a button that renders it again. */
export class ErrorBoundary extends Component<Props, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <section className="panel stack" role="alert">
        <h2>{this.props.what} stopped working</h2>
        <p>
          {error.message || 'No reason was given.'} Your datasets and runs are safe on this device, and a run
          that is training continues.
        </p>
        <div className="row">
          <button type="button" className="primary" onClick={() => this.setState({ error: null })}>
            Try again
          </button>
          <button type="button" onClick={() => window.location.reload()}>
            Reload the page
          </button>
        </div>
      </section>
    );
  }
}
