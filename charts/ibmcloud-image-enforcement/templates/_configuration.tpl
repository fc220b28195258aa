{{/*
The configuration of CISE, and the files that it names. What is PEM text in the values becomes a file beside the configuration, what is the
name of a Secret becomes a folder below `secrets`.
*/}}
{{- define "cise.configuration" -}}
{{- $advisor := deepCopy .Values.advisor.rules }}
{{- with .Values.advisor.registries }}{{ $_ := set $advisor "registries" . }}{{ end }}
{{- with .Values.advisor.platforms }}{{ $_ := set $advisor "platforms" . }}{{ end }}
{{- if .Values.advisor.enabled }}
{{- $url := printf "https://%s.%s.svc" (include "cise.advisor" .) (include "cise.namespace" .) }}
{{- $_ := set $advisor "service" (dict "url" $url "tokenFile" "advisor/token") }}
{{- end }}
{{- $cluster := dict
  "service" (include "cise.name" .)
  "lease" (include "cise.name" .)
  "failurePolicy" .Values.webhooks.failurePolicy
  "timeoutSeconds" .Values.webhooks.timeoutSeconds
  "optOutLabel" .Values.webhooks.optOutLabel
  "leaveOutOpenNamespaces" .Values.webhooks.leaveOutOpenNamespaces
  "defaultPolicies" .Values.defaultPolicies
}}
{{- if eq .Values.certificates.from "cise" }}
{{- $certificates := dict "secret" (include "cise.certificates" .) }}
{{- if .Values.advisor.enabled }}{{ $_ := set $certificates "advisorSecret" (include "cise.advisorCertificates" .) }}{{ end }}
{{- $_ := set $cluster "certificates" $certificates }}
{{- else }}
{{- $_ := set $cluster "certificates" (dict "caFile" "tls/ca.crt") }}
{{- end }}
{{- if .Values.webhooks.selfHealing }}
{{- $accounts := list (include "cise.name" .) (include "cise.uninstaller" .) (include "cise.tester" .) }}
{{- if .Values.advisor.enabled }}{{ $accounts = append $accounts (include "cise.advisor" .) }}{{ end }}
{{- $_ := set $cluster "selfHealing" (dict "repository" .Values.image.repository "serviceAccounts" $accounts) }}
{{- end }}
{{- $configuration := dict
  "namespace" (include "cise.namespace" .)
  "workloads" .Values.workloads
  "timestampTrustSeconds" .Values.timestampTrustSeconds
  "tagTrustSeconds" .Values.tagTrustSeconds
  "cluster" $cluster
}}
{{- with $advisor }}{{ $_ := set $configuration "advisor" . }}{{ end }}
{{- $registries := list }}
{{- range $index, $registry := .Values.registries }}
{{- $entry := omit $registry "ca" "trustServerCA" "clientCertificateSecret" }}
{{- if $registry.ca }}{{ $_ := set $entry "caFile" (printf "registry-%d-ca.pem" $index) }}{{ end }}
{{- if $registry.trustServerCA }}{{ $_ := set $entry "trustServerCAFile" (printf "registry-%d-trust-server-ca.pem" $index) }}{{ end }}
{{- with $registry.clientCertificateSecret }}
{{- $_ := set $entry "clientCertificateFile" (printf "secrets/%s/tls.crt" .) }}
{{- $_ := set $entry "clientKeyFile" (printf "secrets/%s/tls.key" .) }}
{{- end }}
{{- $registries = append $registries $entry }}
{{- end }}
{{- with $registries }}{{ $_ := set $configuration "registries" . }}{{ end }}
{{- $roots := list }}
{{- range $index, $root := .Values.pinnedRoots }}
{{- $roots = append $roots (dict "repositories" $root.repositories "keyFile" (printf "root-%d.pem" $index)) }}
{{- end }}
{{- with $roots }}{{ $_ := set $configuration "pinnedRoots" . }}{{ end }}
{{- with .Values.pullCredentialsSecret }}{{ $_ := set $configuration "pullCredentials" (printf "secrets/%s/config.json" .) }}{{ end }}
{{- with .Values.limits }}{{ $_ := set $configuration "limits" . }}{{ end }}
{{- toYaml $configuration }}
{{- end }}

{{/* The advisor reaches registries in the same way, and has no cluster of its own, nor a credential but the one for its database. */}}
{{- define "cise.advisorConfiguration" -}}
{{- $configuration := pick (include "cise.configuration" . | fromYaml) "namespace" "registries" "limits" }}
{{- $advisor := dict "memoryMiB" .Values.advisor.memoryMiB "queueMiB" .Values.advisor.queueMiB }}
{{- with .Values.advisor.platforms }}{{ $_ := set $advisor "platforms" . }}{{ end }}
{{- with .Values.advisor.database }}
{{- if .artifact }}
{{- $pull := dict "artifact" .artifact "everyMinutes" .everyMinutes }}
{{- if .key }}{{ $_ := set $pull "keyFile" "advisories.pub" }}{{ end }}
{{- $_ := set $advisor "pull" $pull }}
{{- end }}
{{- with .credentialsSecret }}{{ $_ := set $configuration "pullCredentials" (printf "secrets/%s/config.json" .) }}{{ end }}
{{- end }}
{{- $keys := list }}
{{- range $name := keys .Values.advisor.vex.keys | sortAlpha }}{{ $keys = append $keys (printf "vex-%s.pub" $name) }}{{ end }}
{{- with $keys }}{{ $_ := set $advisor "vex" (dict "keyFiles" .) }}{{ end }}
{{- $_ := set $advisor "cache" (dict "folder" "/var/cache/cise/layers" "maxMiB" .Values.advisor.cache.maxMiB) }}
{{- $_ := set $advisor "scratch" (dict "folder" "/var/cache/cise/scratch" "maxMiB" .Values.advisor.scratch.maxMiB) }}
{{- set $configuration "advisor" $advisor | toYaml }}
{{- end }}

{{- define "cise.configurationFiles" -}}
config.yaml: |
  {{- include "cise.configuration" . | nindent 2 }}
{{- if .Values.advisor.enabled }}
advisor.yaml: |
  {{- include "cise.advisorConfiguration" . | nindent 2 }}
{{- with .Values.advisor.database.key }}
advisories.pub: |
  {{- . | trim | nindent 2 }}
{{- end }}
{{- range $name, $key := .Values.advisor.vex.keys }}
vex-{{ $name }}.pub: |
  {{- $key | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- range $index, $registry := .Values.registries }}
{{- with $registry.ca }}
registry-{{ $index }}-ca.pem: |
  {{- . | trim | nindent 2 }}
{{- end }}
{{- with $registry.trustServerCA }}
registry-{{ $index }}-trust-server-ca.pem: |
  {{- . | trim | nindent 2 }}
{{- end }}
{{- end }}
{{- range $index, $root := .Values.pinnedRoots }}
root-{{ $index }}.pem: |
  {{- $root.key | trim | nindent 2 }}
{{- end }}
{{- with .Values.caBundle }}
ca-bundle.pem: |
  {{- . | trim | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the volumes at /etc/cise have in common: the configuration, and as whom registries are spoken to. */}}
{{- define "cise.configurationSources" -}}
- configMap:
    name: {{ include "cise.name" . }}
    items:
    {{- range $file := keys (include "cise.configurationFiles" . | fromYaml) | sortAlpha }}
    - key: {{ $file }}
      path: {{ if eq $file "ca-bundle.pem" }}authorities/{{ end }}{{ $file }}
    {{- end }}
{{- $secrets := list }}
{{- range .Values.registries }}{{ with .clientCertificateSecret }}{{ $secrets = append $secrets . }}{{ end }}{{ end }}
{{- range uniq $secrets }}
- secret:
    name: {{ . }}
    items:
    - key: tls.crt
      path: secrets/{{ . }}/tls.crt
    - key: tls.key
      path: secrets/{{ . }}/tls.key
{{- end }}
{{- end }}

{{/* The volume of the advisor at /etc/cise. */}}
{{- define "cise.advisorConfigurationVolume" -}}
name: configuration
projected:
  defaultMode: 0440
  sources:
  {{- include "cise.configurationSources" . | nindent 2 }}
  {{- with .Values.advisor.database.credentialsSecret }}
  - secret:
      name: {{ . }}
      items:
      - key: .dockerconfigjson
        path: secrets/{{ . }}/config.json
  {{- end }}
{{- end }}

{{/* The volume of the webhooks at /etc/cise. */}}
{{- define "cise.configurationVolume" -}}
name: configuration
projected:
  defaultMode: 0440
  sources:
  {{- include "cise.configurationSources" . | nindent 2 }}
  {{- if .Values.advisor.enabled }}
  - serviceAccountToken:
      audience: cise-advisor
      expirationSeconds: 3600
      path: advisor/token
  {{- end }}
  {{- with .Values.pullCredentialsSecret }}
  - secret:
      name: {{ . }}
      items:
      - key: .dockerconfigjson
        path: secrets/{{ . }}/config.json
  {{- end }}
  {{- if eq .Values.certificates.from "cert-manager" }}
  - secret:
      name: {{ include "cise.certificates" . }}
      items:
      {{- range list "ca.crt" "tls.crt" "tls.key" }}
      - key: {{ . }}
        path: tls/{{ . }}
      {{- end }}
  {{- end }}
{{- end }}
