FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md requirements.lock ./
COPY workflows workflows
COPY activities activities
COPY gateway gateway
COPY examples examples
RUN pip install --no-cache-dir hatchling && python -m hatchling build --target wheel --directory /wheels

FROM python:3.13-slim
COPY --from=build /src/requirements.lock /wheels/ /install/
# The lock file limits what is installed; it also names what only development needs.
RUN pip install --no-cache-dir --constraint /install/requirements.lock \
        "$(ls /install/placet-*.whl)[postgres,openai]" \
    && rm -r /install \
    && useradd --create-home placet
USER placet
WORKDIR /home/placet
CMD ["placet", "--help"]
