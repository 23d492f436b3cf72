# The command `paddock` in an image of its own, which holds nothing else:
#
#   docker build --tag paddock .
#   docker run --rm paddock conformance --target mqtt://broker.example:1883 --junit -
#   docker run --rm --network host --volume "$PWD:/work" paddock conformance --target mqtt://127.0.0.1:1883 --html report.html
#   docker run --rm --publish 1883:1883 paddock broker --listen 0.0.0.0:1883 --allow-anonymous
FROM rust:1.95-bookworm AS build
WORKDIR /paddock
COPY . .
RUN tests/image --release --files /image

# tests/image makes this stage, too, from files of this machine: tests/targets/containers.rs tries it.
FROM scratch
COPY --from=build /image/ /
# Where reports appear and descriptors are read.
WORKDIR /work
ENTRYPOINT ["/usr/bin/paddock"]
