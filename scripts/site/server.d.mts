import type { Server } from 'node:http';

export declare function staticServer(options: {
  root: string;
  basePath?: string;
  mirror?: readonly string[];
}): Server;
export declare function listen(server: Server, options?: { port?: number; from?: number }): Promise<number>;
