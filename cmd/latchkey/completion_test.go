package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// position is a point on a command line: what can come next there.
type position struct {
	path     string // " user add"; "" before the first command
	commands []*kong.Node
	flags    []*kong.Flag
}

// positions lists every command and group of commands. The settings count at the first position only: shells offer them everywhere.
func positions(model *kong.Application) (all []position) {
	var walk func(path string, node *kong.Node)
	walk = func(path string, node *kong.Node) {
		p := position{path: path}
		for _, f := range node.Flags {
			if !f.Hidden {
				p.flags = append(p.flags, f)
			}
		}
		for _, child := range node.Children {
			if !child.Hidden {
				p.commands = append(p.commands, child)
			}
		}
		all = append(all, p)
		for _, child := range p.commands {
			walk(path+" "+child.Name, child)
		}
	}
	walk("", model.Node)
	return all
}

// patterns are the paths after the first position, for a case of a shell.
func patterns(all []position) string {
	var paths []string
	for _, p := range all[1:] {
		paths = append(paths, quote(p.path))
	}
	return strings.Join(paths, " | ")
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// values are those that a flag can have, where they are few.
func values(f *kong.Flag) string {
	return strings.Join(slices.DeleteFunc(strings.Split(f.Enum, ","), func(v string) bool { return v == "" }), " ")
}

// enums are the flags with few values, without repetition.
func enums(all []position) (flags []*kong.Flag) {
	for _, p := range all {
		for _, f := range p.flags {
			if values(f) != "" && !slices.ContainsFunc(flags, func(g *kong.Flag) bool { return g.Name == f.Name }) {
				flags = append(flags, f)
			}
		}
	}
	return flags
}

func bashCompletion(model *kong.Application) string {
	var b strings.Builder
	all := positions(model)
	fmt.Fprintf(&b, `# Completion of latchkey for bash. Made by make manual.
_latchkey() {
    local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} at='' words='' word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$at $word" in
            %s) at="$at $word" ;;
        esac
    done
    if [[ $cur == = ]]; then cur=''; elif [[ $flag == = ]]; then flag=${COMP_WORDS[COMP_CWORD-2]}; fi
    case $flag in
`, patterns(all))
	for _, f := range enums(all) {
		fmt.Fprintf(&b, "        --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", f.Name, values(f))
	}
	b.WriteString("    esac\n    case $at in\n")
	for _, p := range all {
		var words []string
		for _, child := range p.commands {
			words = append(words, child.Name)
		}
		fmt.Fprintf(&b, "        '%s') words='%s'; [[ $cur == -* ]] && words='%s' ;;\n", p.path, strings.Join(words, " "), strings.Join(flagNames(p.flags), " "))
	}
	fmt.Fprintf(&b, "    esac\n    [[ $at && $cur == -* ]] && words+=' %s'\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _latchkey latchkey\n", strings.Join(flagNames(all[0].flags), " "))
	return b.String()
}

func flagNames(flags []*kong.Flag) (names []string) {
	for _, f := range flags {
		names = append(names, "--"+f.Name)
	}
	return names
}

func zshCompletion(model *kong.Application) string {
	var b strings.Builder
	all := positions(model)
	fmt.Fprintf(&b, `#compdef latchkey
# Completion of latchkey for zsh. Made by make manual.
local at='' word
local -a commands flags
for word in ${words[2,CURRENT-1]}; do
    case "$at $word" in
        (%s) at="$at $word" ;;
    esac
done
case ${words[CURRENT]} in
`, patterns(all))
	for _, f := range enums(all) {
		fmt.Fprintf(&b, "    (--%s=*) compset -P '*='; compadd -- %s; return ;;\n", f.Name, values(f))
	}
	b.WriteString("esac\ncase $at in\n")
	for _, p := range all[1:] {
		fmt.Fprintf(&b, "    ('%s')\n        commands=(%s)\n        flags=(%s) ;;\n", p.path, zshCommands(p), zshFlags(p))
	}
	fmt.Fprintf(&b, "    (*) commands=(%s) ;;\nesac\nflags+=(%s)\n", zshCommands(all[0]), zshFlags(all[0]))
	b.WriteString("if [[ ${words[CURRENT]} == -* ]]; then\n    _describe -o flag flags\nelif (( $#commands )); then\n    _describe command commands\nelse\n    _files\nfi\n")
	return b.String()
}

func zshCommands(p position) string {
	var words []string
	for _, child := range p.commands {
		words = append(words, quote(child.Name+":"+child.Help))
	}
	return strings.Join(words, " ")
}

func zshFlags(p position) string {
	var words []string
	for _, f := range p.flags {
		name := "--" + f.Name
		if !f.IsBool() {
			name += "="
		}
		words = append(words, quote(name+":"+f.Help))
	}
	return strings.Join(words, " ")
}

func fishCompletion(model *kong.Application) string {
	var b strings.Builder
	all := positions(model)
	fmt.Fprintf(&b, `# Completion of latchkey for fish. Made by make manual.
function __latchkey_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        contains -- "$at $word" %s; and set at "$at $word"
    end
    test "$at" = "$argv[1]"
end
`, strings.ReplaceAll(patterns(all), " | ", " "))
	fishQuote := func(text string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'" }
	for _, p := range all {
		for _, child := range p.commands {
			fmt.Fprintf(&b, "complete -c latchkey -n '__latchkey_at \"%s\"' -f -a %s -d %s\n", p.path, child.Name, fishQuote(child.Help))
		}
		for _, f := range p.flags {
			condition, kind := fmt.Sprintf(" -n '__latchkey_at \"%s\"'", p.path), ""
			if p.path == "" {
				condition = ""
			}
			if v := values(f); v != "" {
				kind = " -x -a " + fishQuote(v)
			} else if !f.IsBool() {
				kind = " -r"
			}
			fmt.Fprintf(&b, "complete -c latchkey%s -l %s%s -d %s\n", condition, f.Name, kind, fishQuote(f.Help))
		}
	}
	return b.String()
}

// What each shell offers after some beginnings, asked in the shell itself.
func TestShellsComplete(t *testing.T) {
	bash := `source "$0"; COMP_WORDS=("${@:1}"); COMP_CWORD=$(($#-1)); _latchkey; printf '%s\n' "${COMPREPLY[@]}"`
	zsh := `_describe() { local last=${@[-1]}; print -l -- ${(P)last}; }; compset() { :; }; compadd() { shift; print -l -- $@; }; _files() { print files; }
ask() { local -a words; words=("${@:2}"); local CURRENT=$(($# - 1)); eval "$(<$1)"; }; ask "$0" "$@"`
	fish := `source $argv[1]; complete -C "$argv[2..]"`
	for _, c := range []struct {
		typed   []string
		offered []string
		not     string
	}{
		{[]string{"latchkey", ""}, []string{"serve", "user", "backup"}, "set-role"},
		{[]string{"latchkey", "user", ""}, []string{"add", "set-role"}, "serve"},
		{[]string{"latchkey", "user", "add", "--"}, []string{"--password-stdin", "--access-ttl"}, "--demo"},
		{[]string{"latchkey", "serve", "--"}, []string{"--demo", "--access-ttl"}, "--password-stdin"},
		{[]string{"latchkey", "--signing-alg=ES256", "client", "add", "A name", "--"}, []string{"--redirect-uri"}, "--demo"},
	} {
		for shell, command := range map[string][]string{
			"bash": append([]string{"--norc", "-c", bash, releaseFile("latchkey.bash")}, c.typed...),
			"zsh":  append([]string{"-f", "-c", zsh, releaseFile("_latchkey")}, c.typed...),
			"fish": {"--no-config", "-c", fish, releaseFile("latchkey.fish"), strings.Join(c.typed, " ")},
		} {
			t.Run(shell+strings.Join(c.typed, " "), func(t *testing.T) {
				out, err := exec.Command(tool(t, shell), command...).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				offered := words(string(out))
				for _, word := range c.offered {
					if !slices.Contains(offered, word) {
						t.Errorf("%s is not among %q", word, offered)
					}
				}
				if slices.Contains(offered, c.not) {
					t.Errorf("%s is offered: %q", c.not, offered)
				}
			})
		}
	}
	for shell, command := range map[string][]string{
		"bash": {"--norc", "-c", bash, releaseFile("latchkey.bash"), "latchkey", "serve", "--signing-alg", "=", "E"},
		"zsh":  {"-f", "-c", zsh, releaseFile("_latchkey"), "latchkey", "serve", "--signing-alg=E"},
		"fish": {"--no-config", "-c", fish, releaseFile("latchkey.fish"), "latchkey serve --signing-alg E"},
	} {
		out, err := exec.Command(tool(t, shell), command...).CombinedOutput()
		if offered := words(string(out)); err != nil || !slices.Contains(offered, "EdDSA") || slices.Contains(offered, "--demo") {
			t.Errorf("%s, values: %v: %q", shell, err, offered)
		}
	}
}

// words are the names that a shell offers, without the help beside them.
func words(offered string) (all []string) {
	for line := range strings.Lines(offered) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		name, _, _ = strings.Cut(name, ":")
		all = append(all, strings.TrimSuffix(name, "="))
	}
	return all
}
