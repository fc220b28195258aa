{{/* Where everything goes: the release's namespace, or `ibm-system` where nobody chose one. */}}
{{- define "cise.namespace" -}}
{{- if eq .Release.Namespace "default" }}ibm-system{{ else }}{{ .Release.Namespace }}{{ end }}
{{- end }}

{{- define "cise.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "cise.certificates" -}}
{{- include "cise.name" . }}-certificates
{{- end }}

{{/* The Vulnerability Advisor, where it is a program of its own. */}}
{{- define "cise.advisor" -}}
{{- include "cise.name" . }}-advisor
{{- end }}

{{- define "cise.advisorCertificates" -}}
{{- include "cise.advisor" . }}-certificates
{{- end }}

{{/* Who runs the commands that remove CISE. */}}
{{- define "cise.uninstaller" -}}
{{- include "cise.name" . }}-uninstall
{{- end }}

{{/* Who looks, in `helm test`, how CISE stands. */}}
{{- define "cise.tester" -}}
{{- include "cise.name" . }}-test
{{- end }}

{{- define "cise.image" -}}
{{- $image := .Values.image }}
{{- $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "cise.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of the pods that answer reviews, and of nothing else that runs. */}}
{{- define "cise.server" -}}
{{ include "cise.selector" . }}
app.kubernetes.io/component: server
{{- end }}

{{/* The labels of the pod of the advisor. */}}
{{- define "cise.advisorSelector" -}}
{{ include "cise.selector" . }}
app.kubernetes.io/component: advisor
{{- end }}

{{- define "cise.labels" -}}
{{ include "cise.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}
