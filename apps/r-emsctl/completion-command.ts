import type { Command } from "commander";
import { oneOf } from "../../configs/spelling.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { CommandContext } from "./command-context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const HELP = `
Examples:
  r-emsctl completion bash > /etc/bash_completion.d/r-emsctl
  r-emsctl completion zsh > "\${fpath[1]}/_r-emsctl"
  r-emsctl completion fish > ~/.config/fish/completions/r-emsctl.fish
  source <(r-emsctl completion bash)      # in this shell only`;

export function addCompletion({ program, terminal }: CommandContext): void {
  program
    .command("completion <shell>")
    .description("a script that lets the shell complete commands and options: bash, zsh or fish")
    .addHelpText("after", HELP)
    .action((text: string) => terminal.out(completionScript(program, shellOf(text))));
}

function shellOf(text: string): Shell {
  const found = SHELLS.find((shell) => shell === text);
  if (found !== undefined) return found;
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `there is no completion for "${text}"; ${oneOf(text, SHELLS)}`,
  );
}

/** A place in the tree of commands: what may follow the words so far. */
interface Place {
  /** Words of commands, such as `config apply`; "" is the program. */
  readonly path: string;
  readonly commands: readonly (readonly [name: string, what: string])[];
  readonly options: readonly (readonly [flag: string, what: string])[];
}

/** The script of a shell, from the commands that the program really has. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, "");
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](places);
}

function placesOf(command: Command, path: string): Place[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== "help");
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => [option.long ?? option.short ?? "", firstLine(option.description)] as const);
  const own: Place = {
    path,
    commands: visible.map((one) => [one.name(), firstLine(one.description())] as const),
    options: [...options, ["--help", "help for this command"]],
  };
  return [own, ...visible.flatMap((one) => placesOf(one, `${path} ${one.name()}`.trim()))];
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/['"\\$`:[\]]/g, "").slice(0, 70);
}

/** The words of the line that are commands lead to a place; what that place has is offered, and files besides. */
function bashScript(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = [...commands.map(([name]) => name), ...options.map(([flag]) => flag)].join(" ");
    return `    "${path}") words="${words}" ;;`;
  });
  const known = places.map(({ path }) => `"${path}"`).join("|");
  return `# bash completion of r-emsctl; made by "r-emsctl completion bash"
_r_emsctl() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" next word words=""
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == -* ]] && continue
    next="\${path:+$path }$word"
    case "$next" in ${known}) path="$next" ;; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ \${#COMPREPLY[@]} -eq 0 && "$cur" != -* ]] && COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o filenames -F _r_emsctl r-emsctl`;
}

function zshScript(places: readonly Place[]): string {
  const entry = ([name, what]: readonly [string, string]): string => `      '${name}:${what}'`;
  const cases = places.map(
    ({ path, commands, options }) => `    "${path}") found=(
${[...commands, ...options].map(entry).join("\n")}
    ) ;;`,
  );
  const known = places.map(({ path }) => `"${path}"`).join("|");
  return `#compdef r-emsctl
# zsh completion of r-emsctl; made by "r-emsctl completion zsh"
_r_emsctl() {
  local where="" next word
  local -a found
  for word in \${words[2,CURRENT-1]}; do
    [[ "$word" == -* ]] && continue
    next="\${where:+$where }$word"
    case "$next" in ${known}) where="$next" ;; esac
  done
  case "$where" in
${cases.join("\n")}
  esac
  _describe 'r-emsctl' found || _files
}
# Found in fpath, the file is the function itself, and is being asked already; sourced, it tells that there is one.
if [[ "\${funcstack[1]}" == _r-emsctl ]]; then
  _r_emsctl "$@"
else
  compdef _r_emsctl r-emsctl
fi`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const when = `-n '__r_emsctl_at "${path}"'`;
    return [
      ...commands.map(([name, what]) => `complete -c r-emsctl -f ${when} -a ${name} -d '${what}'`),
      ...options.map(
        ([flag, what]) =>
          `complete -c r-emsctl ${when} -l ${flag.replace(/^--?/, "")} -d '${what}'`,
      ),
    ];
  });
  const known = places.map(({ path }) => `'${path}'`).join(" ");
  return `# fish completion of r-emsctl; made by "r-emsctl completion fish"
function __r_emsctl_at
  set -l place ""
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and continue
    set -l next (string trim "$place $word")
    contains -- $next ${known}; and set place $next
  end
  test "$place" = "$argv[1]"
end
${lines.join("\n")}`;
}
