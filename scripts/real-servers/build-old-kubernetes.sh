#!/usr/bin/env bash
# build-old-kubernetes.sh WORK BIN VERSION: kube-apiserver and kube-controller-manager from Debian 12's source package `kubernetes`.
# Needs Debian 12 and root (for the compiler); after apt nothing is fetched.
set -euo pipefail
work=$1 bin=$2 version=$3
source_list=$work/sources
mkdir -p "$work/go/src/k8s.io" "$source_list" "$bin"
tree=$work/go/src/k8s.io/kubernetes

if [ ! -x /usr/lib/go-1.19/bin/go ]; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends golang-1.19-go
fi

# Source packages come from a list of our own, so that the machine's lists stay as they are.
echo 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main' >"$source_list/src.list"
mkdir -p "$work/lists/partial"
apt=(apt-get -qq -o "Dir::Etc::SourceList=$source_list/src.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$work/lists")
(
  cd "$work"
  "${apt[@]}" update
  [ -d "$tree" ] || "${apt[@]}" source --download-only kubernetes
  # The vendored reflect2 1.0.1 crashes when it walks a map if Go is newer than 1.17; Debian has 1.0.2.
  apt-get download -qq golang-github-modern-go-reflect2-dev
)
if [ ! -d "$tree" ]; then
  command -v dpkg-source >/dev/null || apt-get install -y -qq --no-install-recommends dpkg-dev
  dpkg-source --no-check -x "$work"/kubernetes_*.dsc "$tree" >/dev/null
fi
dpkg -x "$work"/golang-github-modern-go-reflect2-dev_*.deb "$work/reflect2"
rm -rf "$tree/vendor/github.com/modern-go/reflect2"
cp -r "$work/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2" "$tree/vendor/github.com/modern-go/"
rm -f "$tree/vendor/github.com/modern-go/reflect2/go.mod"

export GOROOT=/usr/lib/go-1.19 GOPATH=$work/go GOCACHE=$work/cache GO111MODULE=off GOFLAGS= GOPROXY=off CGO_ENABLED=0
go=$GOROOT/bin/go
cd "$tree"

# The OpenAPI definitions are generated, and not in the source package.
"$go" build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
inputs=$(grep -rl --include='*.go' '^// *+k8s:openapi-gen=' staging/src/k8s.io pkg |
  grep -vE '^staging/src/k8s.io/(code-generator|sample-apiserver)/|_test\.go$|/testdata/|zz_generated' |
  xargs -n1 dirname | sort -u | sed -e 's#^staging/src/#vendor/#' -e 's#^#k8s.io/kubernetes/#' | paste -sd,)
"$work/openapi-gen" --logtostderr -i "$inputs" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt --output-base "$GOPATH/src" -r "$work/violations"

flags="-s -w"
for package in k8s.io/kubernetes/vendor/k8s.io/component-base/version k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=20 -X $package.gitTreeState=clean"
done
for command in kube-apiserver kube-controller-manager; do
  "$go" build -trimpath -tags "providerless dockerless" -ldflags "$flags" -o "$bin/$command" "./cmd/$command"
done
