import type { AddCommand, MakeCommand } from '../command.js';
import { EXIT } from '../errors.js';
import { serveTools } from '../mcp/server.js';
import { toolsOf } from '../mcp/tools.js';

/** Serves commands on the standard input and output, until the client is gone. */
export function mcpCommand(commands: readonly AddCommand[]): MakeCommand<object> {
  return (finish, context) => ({
    builder: (yargs) =>
      yargs.example('claude mcp add iommufd-cts -- npx iommufd-cts mcp', 'how a client is told of it'),
    handler: async () => {
      await serveTools(await toolsOf(commands, context), context);
      finish(EXIT.pass);
    },
  });
}
