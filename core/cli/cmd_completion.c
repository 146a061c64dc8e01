/* SPDX-License-Identifier: MIT */
/* harborai completion: prints the script of a shell. The scripts know nothing: at each TAB they ask
 * `harborai __complete` (cmd_complete.c), which reads the tables. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "cli/command.h"

/* bash cuts words at '=' and ':' too: they are put together again, and what stands before the last
 * of these is taken off the candidates. Names are quoted, for they are of others and go into a line that
 * is run; within a quote that is open those are left out that would end it or be expanded. It needs
 * nothing of the package bash-completion. */
static const char bash_script[] =
    "# bash completion of harborai: eval \"$(harborai completion bash)\"\n"
    "_harborai() {\n"
    "    local words=() word glue= i kind= line cut quote= program=${COMP_WORDS[0]}\n"
    "    [[ $program == '~/'* ]] && program=$HOME/${program#'~/'}\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ -n $glue || ($word == [=:]* && ${#words[@]} -gt 0) ]]; then\n"
    "            words[${#words[@]}-1]+=$word\n"
    "        else\n"
    "            words+=(\"$word\")\n"
    "        fi\n"
    "        [[ $word == [=:] ]] && glue=1 || glue=\n"
    "    done\n"
    "    word=${words[${#words[@]}-1]}\n"
    "    case $word in\n"
    "    [\\'\\\"]*) quote=${word:0:1} word=${word:1} ;;\n"
    "    *\\\\*) IFS= read word <<<\"$word\" ;;\n"
    "    esac\n"
    "    words[${#words[@]}-1]=$word\n"
    "    cut=${word%\"${word##*[=:]}\"}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :*) kind=$line; continue ;;\n"
    "        esac\n"
    "        line=${line%%$'\\t'*}\n"
    "        line=${line#\"$cut\"}\n"
    "        case $quote in\n"
    "        \\') [[ $line == *\\'* ]] && continue ;;\n"
    "        \\\") [[ $line == *[\\\"\\$\\`\\\\!]* ]] && continue ;;\n"
    "        *) printf -v line %q \"$line\" ;;\n"
    "        esac\n"
    "        COMPREPLY+=(\"$line\")\n"
    "    done < <(\"$program\" __complete \"${words[@]}\" 2>/dev/null)\n"
    "    word=${word#\"$cut\"}\n"
    "    case $kind in\n"
    "    :file) compopt -o filenames 2>/dev/null\n"
    "           while IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -f -- \"$word\") ;;\n"
    "    :dir) compopt -o filenames 2>/dev/null\n"
    "          while IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -d -- \"$word\") ;;\n"
    "    esac\n"
    "    case ${COMPREPLY[0]-} in\n"
    "    *=) compopt -o nospace 2>/dev/null ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _harborai harborai\n";

static const char zsh_script[] =
    "#compdef harborai\n"
    "# zsh completion of harborai: harborai completion zsh > \"${fpath[1]}/_harborai\"\n"
    "_harborai() {\n"
    "    local line kind\n"
    "    local -a found\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :*) kind=$line ;;\n"
    "        *) found+=(\"${${${line//:/\\\\:}/$'\\t'/:}}\") ;;\n"
    "        esac\n"
    "    done < <($words[1] __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    (( ${#found} )) && _describe harborai found\n"
    "    case $kind in\n"
    "    :file) _files ;;\n"
    "    :dir) _files -/ ;;\n"
    "    esac\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _harborai ]; then _harborai \"$@\"; else compdef _harborai harborai; fi\n";

static const char fish_script[] =
    "# fish completion of harborai: harborai completion fish | source\n"
    "function __harborai_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    for line in (command $words[1] __complete $words[2..-1] 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':file'\n"
    "                __fish_complete_path (commandline -ct)\n"
    "            case ':dir'\n"
    "                __fish_complete_directories (commandline -ct)\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c harborai -f -a '(__harborai_complete)'\n";

static const struct shell {
    const char *name, *script;
} shells[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

static const struct option_spec options[] = {{NULL, 0, NULL, NULL}};

static enum exit_code run(const struct arguments *arguments)
{
    const char *name = arguments->rest_count == 1 ? arguments->rest[0] : NULL;
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(shells); i++) {
        if (strcmp(name, shells[i].name) != 0)
            continue;
        fputs(shells[i].script, stdout);
        return command_finish();
    }
    if (name != NULL)
        command_complain("there is no completion for '%s': known are bash, zsh and fish", name);
    else
        command_complain("for which shell? 'harborai completion bash', zsh or fish");
    return EXIT_USAGE;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "Print the completion script of a shell",
    .rest = "bash|zsh|fish",
    .more = "In ~/.bashrc: eval \"$(harborai completion bash)\"; an installed package needs nothing.\n"
            "zsh: harborai completion zsh > \"${fpath[1]}/_harborai\"\n"
            "fish: harborai completion fish > ~/.config/fish/completions/harborai.fish",
    .options = options,
    .run = run,
};
