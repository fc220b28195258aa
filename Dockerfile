# syntax=docker/dockerfile:1
#
# CISE on nothing: a static binary, the authorities that it trusts, its licence and its bill of materials.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t registry.example.com/ibmcloud-image-enforcement:0.1.0 .
#
# For several architectures, each is built on its own kind, natively or emulated; nothing is cross-compiled:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --push -t … .
#
# For the same bytes every time, name the builder by its digest (BUILDER=docker.io/library/rust@sha256:…), and give the time of the
# commit: --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --output type=image,rewrite-timestamp=true.

ARG BUILDER=docker.io/library/rust:1.95-alpine

FROM ${BUILDER} AS build
RUN apk add --no-cache build-base ca-certificates
RUN cargo install --locked --version 0.5.9 cargo-cyclonedx
WORKDIR /src
COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/usr/local/cargo/registry ci/rootfs /rootfs

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ibmcloud-image-enforcement" \
      org.opencontainers.image.description="Container Image Security Enforcement: decides for every image whether policy lets it run" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /rootfs/ /
# Nobody in particular. Numbers, so that Kubernetes sees that it is not root.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/cise"]
CMD ["--help"]
