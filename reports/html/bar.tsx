import type { VNode } from 'preact';

/** A share in percent as a length; the number stands beside it. */
export function Bar({ of, look = '' }: { of: number; look?: string }): VNode {
  return (
    <span class={`bar ${look}`} aria-hidden="true">
      <span style={`width: ${String(of)}%`} />
    </span>
  );
}
