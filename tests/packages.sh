# SPDX-License-Identifier: MIT
# Sourced by examples/quickstart and tests/run: what they need from Debian, in one place.
# A line is: package, and a file or program that shows that it is there.

BUILD_PACKAGES='gcc:gcc
make:make
autoconf:autoconf
automake:automake
libtool:libtoolize
pkg-config:pkg-config
libc6-dev:/usr/include/stdlib.h
libcurl4-openssl-dev:libcurl.pc
libssl-dev:libssl.pc
libjson-c-dev:json-c.pc
libyaml-dev:yaml-0.1.pc
libelf-dev:libelf.pc
libedit-dev:libedit.pc
libsqlite3-dev:sqlite3.pc
libzstd-dev:libzstd.pc
libpq-dev:libpq.pc
libxlsxwriter-dev:xlsxwriter.pc
python3:python3
ca-certificates:/etc/ssl/certs/ca-certificates.crt'

TEST_PACKAGES='libcunit1-dev:cunit.pc
g++:g++
nodejs:node
npm:npm
strace:strace
openssl:openssl
procps:ps
python3-jsonschema:import:jsonschema
python3-prometheus-client:/usr/lib/python3/dist-packages/prometheus_client
binutils:nm
tmux:tmux
curl:curl
mandoc:mandoc
systemd:systemd-socket-activate
util-linux:flock
zstd:zstd
postgresql:postgres:initdb'

LINT_PACKAGES='libltdl-dev:/usr/include/ltdl.h
clang-tidy:clang-tidy
cppcheck:cppcheck
valgrind:valgrind
universal-ctags:ctags
git:git
gcovr:gcovr
xz-utils:xz'

# is_there WITNESS: a path, a program, NAME.pc for pkg-config, import:NAME for Python, or
# postgres:NAME for a program that Debian keeps in a folder for each version of PostgreSQL.
is_there() {
    case $1 in
    /*) test -e "$1" ;;
    postgres:*) ls /usr/lib/postgresql/*/bin/"${1#postgres:}" >/dev/null 2>&1 ;;
    import:*) python3 -c "import ${1#import:}" 2>/dev/null ;;
    *.pc) pkg-config --exists "${1%.pc}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# missing_packages LIST…: prints those of the lists that are not there.
missing_packages() {
    for line in $*; do
        is_there "${line#*:}" || printf '%s\n' "${line%%:*}"
    done
}

# keep_postgres_still BY: Debian's package would make a cluster and start it; tests make their own.
keep_postgres_still() {
    test -e /etc/postgresql-common/createcluster.conf || {
        $1 mkdir -p /etc/postgresql-common &&
            echo 'create_main_cluster = false' |
            $1 tee /etc/postgresql-common/createcluster.conf >/dev/null
    }
}

# need_packages LIST…: installs what is missing, as root or with sudo, after saying so. Where it may
# not, it prints the one command to give and exits 2. With everything there it needs no network.
need_packages() {
    packages=$(missing_packages "$@" | tr '\n' ' ')
    test -n "$packages" || return 0
    if test "$(id -u)" = 0; then
        by=
    elif command -v sudo >/dev/null 2>&1 && { test -t 0 || sudo -n true 2>/dev/null; }; then
        by=sudo
    else
        printf 'Some packages are missing. Install them, then come again:\n\n' >&2
        printf '    apt-get install %s\n\n' "$packages" >&2
        exit 2
    fi
    printf 'Installing from Debian%s: %s\n' "${by:+ with $by}" "$packages" >&2
    case " $packages " in *' postgresql '*) keep_postgres_still "$by" ;; esac
    $by apt-get update -q >/dev/null &&
        $by env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends $packages >/dev/null || {
        printf 'That failed. By hand: apt-get install %s\n' "$packages" >&2
        exit 2
    }
}

# refuse_configured_tree: automake builds nothing beside a tree that is itself configured.
refuse_configured_tree() {
    test -e config.status || return 0
    echo 'The source tree itself is configured, so nothing can be built beside it.' >&2
    echo 'Run "make distclean", then come again.' >&2
    exit 2
}
